"""Hosts that fail are ejected, for as long and only as the rule says."""
