"""How a workload's owner commands it, whatever carries the commands."""
