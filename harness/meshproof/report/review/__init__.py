"""A run as reviewers of a change see it: on the lines of the change."""
