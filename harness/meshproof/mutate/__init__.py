"""Manifests made wrong in one place at a time: the mutants that checks must fail."""

from meshproof.mutate.catalogue import OPERATORS, mutants
from meshproof.mutate.meaning import differences, meaning
from meshproof.mutate.operator import Mutant, Operator

__all__ = ["OPERATORS", "Mutant", "Operator", "differences", "meaning", "mutants"]
