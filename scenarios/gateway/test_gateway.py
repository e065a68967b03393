"""An ingress gateway: what it opens, what it keeps shut, and what it makes of a request on its way in."""

import pytest
from meshproof import PROBES, Answers, Load, NoErrors, Request, Scenario

HTTPBIN = "default/httpbin-gateway"


def get(path, host="httpbin.example.com", **more):
    return Request("GET", host, 80, path, gateway=HTTPBIN, **more)


paths = Scenario(
    name="GatewayPaths",
    description="/status and /delay of one host are opened and nothing else.",
    features={"Gateway"},
    manifests=["httpbin.yaml", "paths.yaml"],
    load=Load("steady", (get("/status/200"), get("/delay/0"), get("/headers"), get("/status/200", "other.example.com"))),
    expect=[Answers(), NoErrors()],
)

borders = Scenario(
    name="GatewayBorders",
    description="The borders of two opened paths and of one host hold, whatever form a request takes.",
    features={"Gateway"},
    manifests=["httpbin.yaml", "paths.yaml"],
    load=Load("steady", PROBES),
    expect=[Answers()],
)

SCENARIOS = (paths, borders)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_gateway(scenario, verify):
    verify(scenario)
