"""What was seen of hosts and of an installation: facts, not yet judged."""
