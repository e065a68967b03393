"""Load balancers told apart: one pod is busy, and each gives it another part of what comes next."""

import pytest
from meshproof import Load, LoadBalancing, Scenario

GET = "GET http://quotes:8080/"


def balanced(name, description, rule):
    return Scenario(
        name=f"Balance{name}",
        description=description,
        features={"ProbeWorkload", "ProxylessWorkloads"},
        manifests=["pods.yaml", f"{rule}.yaml"],
        load=Load("balance", GET, users=80),
        expect=[LoadBalancing()],
    )


SCENARIOS = (
    balanced("LeastRequest", "Of two pods that are drawn the busy one gets nothing.", "least-request"),
    balanced("Random", "A busy pod gets its third of requests, drawn one by one.", "random"),
    balanced("RoundRobin", "A busy pod gets every third request.", "round-robin"),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_balancing(verify, scenario):
    verify(scenario)
