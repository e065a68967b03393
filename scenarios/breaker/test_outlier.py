"""Outlier detection: which host is ejected, after how many errors, for how long, and where requests go meanwhile."""

import pytest
from meshproof import Load, OutlierDetection, Scenario

GET = "GET http://httpbin:8000/get"
OUTLIER = {"DestinationRuleOutlierDetection", "ProbeWorkload"}


def outlier(name: str, description: str, pods: str, rule: str) -> Scenario:
    return Scenario(
        name=f"Outlier{name}",
        description=description,
        features=OUTLIER,
        manifests=[f"{pods}.yaml", f"{rule}.yaml"],
        load=Load("ejection", GET),
        expect=[OutlierDetection()],
        mostly_waits=True,
    )


scenarios = (
    outlier(
        "LoneHost",
        "The only host is ejected after three errors, and while it is out the proxy answers 503 itself.",
        "httpbin",
        "outlier-lone",
    ),
    outlier(
        "Consecutive5xx",
        "One of three hosts is ejected after four errors in a row, the others carry the load, and it comes back.",
        "three",
        "outlier-5xx",
    ),
    outlier(
        "GatewayErrors",
        "502, 503 and 504 in a row eject a host, 500 never does.",
        "three",
        "outlier-gateway",
    ),
    outlier(
        "BothDetectors",
        "Each detector counts for itself: four 500s, or two gateway errors.",
        "three",
        "outlier-both",
    ),
    outlier(
        "LocalOrigin",
        "Broken connections are counted apart from the answers of a host.",
        "three",
        "outlier-local-origin",
    ),
    outlier(
        "MaxEjection",
        "However many of four hosts fail, two are ejected at once.",
        "four",
        "outlier-max-ejection",
    ),
    outlier(
        "MinHealth",
        "With fewer than half of three hosts in, all of them are used again.",
        "three",
        "outlier-min-health",
    ),
)


@pytest.mark.parametrize("scenario", scenarios, ids=lambda one: one.name)
def test_outlier(verify, scenario):
    verify(scenario)
