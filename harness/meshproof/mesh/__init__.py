"""The mesh that the manifests describe: a frozen model, its builder, and what it predicts of a request."""
