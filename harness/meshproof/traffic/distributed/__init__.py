"""Locust's distributed mode: a master, its workers, and the credit dealt between them."""
