"""Injected faults hit the specified share of the requests, and do to them what is specified."""
