"""Requests worth sending: samples of every rule, and probes of its boundaries."""
