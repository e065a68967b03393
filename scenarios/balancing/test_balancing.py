"""Load balancers told apart by what a busy pod gets, and what a new one gets while it warms up."""

import pytest
from meshproof import Load, LoadBalancing, Scenario, WarmUp

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
    Scenario(
        name="BalanceWarmUp",
        description="A pod that comes beside three others gets a share that grows from a tenth to that of each.",
        features={"ProbeWorkload", "ProxylessWorkloads"},
        manifests=["pods.yaml", "warm-up.yaml"],
        changes=["new-pod.yaml"],
        load=Load("warmup", GET, users=1),
        expect=[WarmUp()],
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_balancing(verify, scenario):
    verify(scenario)
