"""A cluster that kind makes for the run."""
