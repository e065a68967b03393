"""The observed split of traffic is the specified one."""
