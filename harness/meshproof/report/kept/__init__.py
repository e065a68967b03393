"""The runs that are kept in one folder: which there are, and which may go."""
