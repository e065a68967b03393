"""Something that speaks no HTTP: each connection is drawn by weight, or led by the name in its TLS handshake."""

import pytest
from meshproof import POD_TLS, Load, NoErrors, Scenario, Split, connection

GATEWAY = "tcp-gateway"


def named(host):
    return connection(host, 443, scheme="tls", gateway=GATEWAY, tls=POD_TLS)


SCENARIOS = (
    Scenario(
        name="TcpSplit",
        description="Twenty percent of connections reach v2, the rest v1, and none is refused or closed early.",
        features={"ProbeWorkload", "VirtualServiceTcpRoute"},
        manifests=["echo.yaml", "weight-20.yaml"],
        load=Load("steady", "tcp://tcp-echo:9000"),
        expect=[Split(), NoErrors()],
    ),
    Scenario(
        name="TcpGatewaySplit",
        description="Of the connections that enter by a gateway thirty percent reach v2, the rest v1.",
        features={"Gateway", "GatewayConnections", "ProbeWorkload", "VirtualServiceTcpRoute"},
        manifests=["echo.yaml", "gateway.yaml", "gateway-weight-30.yaml"],
        load=Load("steady", connection("gateway.example", 31400, gateway=GATEWAY)),
        expect=[Split(), NoErrors()],
    ),
    Scenario(
        name="TlsBySni",
        description="TLS that a gateway passes on is led by the name it asks for, and other names get no answer.",
        features={"Gateway", "GatewayConnections", "ProbeWorkload"},
        manifests=["echo.yaml", "gateway.yaml", "sni.yaml"],
        load=Load("steady", tuple(named(f"{name}.example.com") for name in ("one", "two", "three"))),
        expect=[Split(), NoErrors()],
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_tcp(verify, scenario):
    verify(scenario)
