"""Pods that run in several places: which of them answer, and who takes over for whom.

https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/
"""

from meshproof import Load, LocalityDistribution, LocalityFailover, NoErrors, Scenario, Split

GET = "GET http://cart:8000/get"

failover = Scenario(
    name="LocalityFailover",
    description="The own region answers; as its pods are ejected the one that is named does, then the third, and back.",
    features={"DestinationRuleOutlierDetection", "ProbeWorkload"},
    manifests=["shop.yaml", "failover.yaml"],
    client="front",
    load=Load("failover", GET),
    expect=[LocalityFailover()],
    mostly_waits=True,
)

distribute = Scenario(
    name="LocalityDistribute",
    description="A client of one region sends 70, 20 and 10 percent to its own and the two others.",
    manifests=["shop.yaml", "distribute.yaml"],
    client="front",
    load=Load("steady", GET),
    expect=[LocalityDistribution(), Split(), NoErrors()],
)


def test_locality_failover(verify):
    verify(failover)


def test_locality_distribute(verify):
    verify(distribute)
