"""The error rates of tests that drive real proxies: an error that many tests may make must be rare.

With the defaults a run of all tests would be red now and then though all is right. `alpha` costs a mesh that passes
next to nothing. `beta` is how often a share passes that is off by the tolerance: those of tests are off by so much more
that they pass less than once in ten thousand runs.
"""

from __future__ import annotations

from meshproof.border.verdict import Precision

SURE = Precision(alpha=1e-6, beta=0.01, tolerance=0.1)


def options(prefix: str = "--", points: float = 100 * SURE.tolerance) -> tuple[str, ...]:
    """The same as words of a command; pytest's options have a prefix of their own."""
    values = {"tolerance": points, "alpha": SURE.alpha, "beta": SURE.beta}
    return tuple(word for name, value in values.items() for word in (f"{prefix}{name}", f"{value:g}"))
