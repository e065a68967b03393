"""How slow and failing answers end: retries, timeouts, and what the client gets."""
