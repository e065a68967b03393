"""Many replicas in one process for each processor, and where each of them is put."""
