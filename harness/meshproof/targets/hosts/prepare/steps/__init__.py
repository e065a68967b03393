"""The steps that prepare a host, one file for each."""
