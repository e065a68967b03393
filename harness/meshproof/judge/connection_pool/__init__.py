"""Limits of connections and requests: what is within them passes, what is beyond them is refused immediately."""
