"""What fields of Kubernetes' own kinds have to be to each other, where their types alone do not say it."""
