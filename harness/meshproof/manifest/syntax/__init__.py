"""How Kubernetes and Go spell names, labels and durations."""
