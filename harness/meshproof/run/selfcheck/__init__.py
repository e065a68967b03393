"""Mutants of scenarios, driven until a check fails them."""
