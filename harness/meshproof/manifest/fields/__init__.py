"""The fields of each kind that is read, as data."""
