"""Sequential statistics: the tests that every probabilistic check uses. Pure functions."""
