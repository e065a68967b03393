"""Who sends requests: clients that rules are for, and those that other objects tell apart."""
