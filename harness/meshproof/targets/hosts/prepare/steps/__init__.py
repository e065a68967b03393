"""The steps that make a host ready, one file for each."""
