"""Mutual TLS between the proxies of the mesh: what istiod takes, and rules that do not fit it."""
