"""Requests to slow and failing workloads end as timeouts and retries specify: tries, time and answer."""
