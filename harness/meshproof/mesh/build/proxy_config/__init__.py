"""What is said of proxies: of all, of those of some pods, and of those of one workload."""
