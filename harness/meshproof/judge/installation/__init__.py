"""What must be true of an Istio, and of the Kubernetes below it, before routing on it is worth a test."""
