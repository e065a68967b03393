"""Mirrors copy what they are specified to copy, and nothing else."""
