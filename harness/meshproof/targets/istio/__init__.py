"""Istio on a Kubernetes: its command line, its installation, its sidecars."""
