"""Ingresses, which istiod serves where they are of its class: which requests they can touch."""
