"""Numbers as reports word them."""

from __future__ import annotations

import pytest
from meshproof.judge.wording import joined, percent, points, specified


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0978, "9.8 %"),
        (0.1, "10.0 %"),
        (0.0004, "0.04 %"),
        (0.99996, "99.996 %"),
        (1e-7, "0.00001 %"),
    ],
)
def test_observed_shares(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.1, "10 %"), (0.005, "0.5 %"), (1 / 3, "33.33 %"), (0.0001, "0.01 %"), (0.29, "29 %")]
)
def test_specified_shares(share: float, text: str) -> None:
    assert specified(share) == text


@pytest.mark.parametrize(("tolerance", "text"), [(0.03, "3 points"), (0.01, "1 point"), (0.005, "0.5 points")])
def test_tolerances(tolerance: float, text: str) -> None:
    assert points(tolerance) == text


def test_lists() -> None:
    assert [joined("ab"[:n]) for n in range(3)] == ["", "a", "a and b"]
    assert joined("abcd") == "a, b, c and d"
