"""An egress gateway: what leaves the mesh by it, and what does not.

https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/
"""

from meshproof import Answers, Load, NoErrors, Request, Scenario

WITHIN = ("GET http://api.example.com/", "GET http://assets.example.com/")
# What the gateway makes of a request that a sidecar has sent to it, and of one for a host that it does not open.
AT_THE_GATEWAY = tuple(
    Request("GET", host, 80, gateway="outwards") for host in ("api.example.com", "assets.example.com")
)

egress = Scenario(
    name="EgressGateway",
    description="One host is reached by the egress gateway, which sends on what is for it and nothing else.",
    features={"Gateway", "ProbeWorkload", "ProxylessWorkloads"},
    manifests=["outside.yaml", "gateway.yaml", "routes.yaml"],
    load=Load("steady", (*WITHIN, *AT_THE_GATEWAY)),
    expect=[Answers(), NoErrors()],
)


def test_egress(verify):
    verify(egress)
