"""Routes of the Gateway API, at a Gateway and within the mesh."""

import pytest
from meshproof import POD_TLS, PROBES, Answers, Load, Mirror, NoErrors, Request, Scenario, Split, connection

GATEWAY = "edge"
HOST = "hello.example.com"


def get(path, *headers):
    return Request("GET", HOST, 80, path, headers, gateway=GATEWAY)


def at_the_gateway(name, description, manifest, send, expect):
    return Scenario(
        name=name,
        description=description,
        features={"Gateway", "GatewayListeners", "HTTPRoute", "ProbeWorkload"},
        manifests=["helloworld.yaml", "gateway.yaml", manifest],
        load=Load("steady", send),
        expect=expect,
    )


SCENARIOS = (
    at_the_gateway(
        "HttpRouteCanary",
        "Thirty percent of requests reach v2, and all of one named user's.",
        "canary.yaml",
        (get("/hello"), get("/hello", ("end-user", "jason"))),
        [Split(), NoErrors()],
    ),
    at_the_gateway(
        "HttpRouteMirror",
        "Half of the requests are copied to v2, and v1 answers all of them.",
        "mirror.yaml",
        get("/hello"),
        [Split(), Mirror(), NoErrors()],
    ),
    at_the_gateway(
        "HttpRouteRedirect",
        "A prefix is redirected and another one rewritten, by whole segments of the path.",
        "redirect.yaml",
        PROBES,
        [Answers()],
    ),
    Scenario(
        name="BackendTls",
        description="A gateway and a sidecar speak TLS to one port of a backend, and ask for the specified name.",
        features={"Gateway", "GatewayListeners", "HTTPRoute", "ProbeWorkload", "ProxylessWorkloads"},
        manifests=["gateway.yaml", "backend_tls.yaml"],
        load=Load("steady", (get("/sealed"), get("/"), "GET http://vault:8200/", "GET http://vault/")),
        expect=[Answers(), NoErrors()],
    ),
    Scenario(
        name="HttpRouteMesh",
        description="An HTTPRoute whose parent is a Service splits what clients within the mesh send to it.",
        features={"HTTPRoute"},
        manifests=["helloworld.yaml", "mesh.yaml"],
        load=Load("steady", "GET http://helloworld:5000/hello"),
        expect=[Split(), NoErrors()],
    ),
    Scenario(
        name="TcpRouteSplit",
        description="Thirty percent of the connections to a listener for TCP reach v2, and TLS goes by its name.",
        features={"Gateway", "GatewayConnections", "GatewayListeners", "HTTPRoute", "ProbeWorkload"},
        manifests=["helloworld.yaml", "connections.yaml"],
        load=Load(
            "steady",
            (
                connection("gateway.example", 31400, gateway=GATEWAY),
                connection("two.example.com", 443, scheme="tls", gateway=GATEWAY, tls=POD_TLS),
            ),
        ),
        expect=[Split(), NoErrors()],
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_gateway_api(verify, scenario):
    verify(scenario)
