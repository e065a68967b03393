"""The image of workloads and clients in a cluster."""
