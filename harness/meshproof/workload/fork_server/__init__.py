"""One process that has imported all that a workload runs, and forks one when asked to."""
