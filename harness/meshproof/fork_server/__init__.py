"""A process that has imported what others need, and forks one of them when asked to."""
