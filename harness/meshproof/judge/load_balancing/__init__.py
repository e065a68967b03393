"""How a destination's requests are shared among its pods while one of them is slower than the others."""
