"""Hosts that fail are ejected when the rule says so, and for as long as it says."""
