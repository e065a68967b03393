"""Proxies of a mesh in a cluster: that pods get one, what it reports, and which configuration it runs."""
