"""Istio on Kubernetes: its command line, its control planes, its installation, its proxies, its inspection."""
