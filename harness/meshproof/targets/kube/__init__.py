"""A Kubernetes cluster: reaching it, a namespace of one's own, what is in force there, and waiting for it."""
