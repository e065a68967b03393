"""Facts about hosts and about an installation, not yet judged."""
