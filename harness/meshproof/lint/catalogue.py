"""All checks, in the order of their codes."""

from __future__ import annotations

from meshproof.lint.check import Check, Severity
from meshproof.lint.checks import (
    bindings,
    competing,
    destinations,
    encryption,
    entries,
    gateway_api,
    gateways,
    policies,
    reading,
    resilience,
    services,
    sidecars,
    subsets,
)
from meshproof.lint.checks.order import conditions, overlapping, preflights, shadowed

NO_REASON = Check(
    "MP130",
    Severity.WARNING,
    "An ignore names no code, or no reason",
    "Write `# meshproof: ignore MP012 because …`.",
    lambda _: (),
)
IDLE = Check("MP131", Severity.WARNING, "An ignore ignores nothing", "Remove it.", lambda _: ())
"""Both are found by those who carry out the ignores (ignores.py)."""

CATALOGUE: tuple[Check, ...] = (
    *reading.CHECKS,
    *destinations.CHECKS,
    *bindings.CHECKS,
    *shadowed.CHECKS,
    *overlapping.CHECKS,
    *conditions.CHECKS,
    *preflights.CHECKS,
    *competing.CHECKS,
    *gateways.CHECKS,
    *subsets.CHECKS,
    *resilience.CHECKS,
    *encryption.CHECKS,
    *services.CHECKS,
    *entries.CHECKS,
    *sidecars.CHECKS,
    *policies.CHECKS,
    *gateway_api.CHECKS,
    NO_REASON,
    IDLE,
)
CODES = frozenset(one.code for one in CATALOGUE)
