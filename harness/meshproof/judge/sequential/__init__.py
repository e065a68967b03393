"""Sequential statistics: the tests that every probabilistic check uses. No input or output."""
