"""What an explanation says of objects that a cluster refuses, as a verification says it."""

from __future__ import annotations

import pytest

RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [reviews], http: [RULE]}
"""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "{timeout: 2}",
            "timeout must be a duration, not 2 (a cluster refuses it; Istio writes durations as 1h, 3m, 1.5s or 100ms)",
        ),
        ("{directResponse: {status: 600}}", "Envoy refuses statuses above 599"),
    ],
)
def test_who_refuses_it(explained, rule: str, said: str) -> None:
    (one,) = explained(RULES.replace("RULE", rule)).unmodelled
    assert one.says == said
