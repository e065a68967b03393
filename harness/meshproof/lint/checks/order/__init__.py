"""The order of rules: what an earlier one takes from a later one."""
