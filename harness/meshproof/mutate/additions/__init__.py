"""Mutation operators that add what nobody specified."""
