"""Services, workloads and certificates for what manifests refer to and do not hold, so that routing can be verified."""
