"""A mesh in a cluster: its client, its workloads, its gateways."""
