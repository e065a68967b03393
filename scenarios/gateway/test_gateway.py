"""An ingress gateway: the requests that it lets in, those that it refuses, and how it changes them."""

import pytest
from meshproof import PROBES, Answers, Load, NoErrors, Request, Scenario, Tls

GATEWAY = "httpbin-gateway"
HOST = "httpbin.example.com"
CLIENT = Tls("certificates/authority.pem", "certificates/client.pem", "certificates/client.key")
FOREIGN = Tls("certificates/authority.pem", "certificates/foreign.pem", "certificates/foreign.key")
TRUSTING = Tls("certificates/authority.pem")


def get(path, host=HOST, headers=(), port=80, scheme="http", tls=None):
    return Request("GET", host, port, path, headers, scheme, GATEWAY, tls=tls)


def boundary_probes(name, description, *manifests, also=(), tls=TRUSTING, features=()):
    """A scenario of the boundary probes of its manifests, and a few more requests."""
    return Scenario(
        name=name,
        description=description,
        features={"Gateway", "ProbeWorkload", *features},
        manifests=("httpbin.yaml", *manifests),
        load=Load("steady", (PROBES, *also), tls=tls),
        expect=[Answers()],
    )


SCENARIOS = (
    Scenario(
        name="GatewayPaths",
        description="/status and /delay of one host are opened; /headers and another host are not.",
        features={"Gateway", "ProbeWorkload"},
        manifests=["httpbin.yaml", "paths.yaml"],
        load=Load(
            "steady",
            (get("/status/200"), get("/delay/0"), get("/headers"), get("/status/200", "other.example.com")),
        ),
        expect=[Answers(), NoErrors()],
    ),
    boundary_probes(
        "GatewayBoundaries", "Two paths of one host are open, whatever form a request takes.", "paths.yaml"
    ),
    boundary_probes(
        "GatewayAuthorization",
        "Policies for the gateway's pods open paths, methods and hosts, and close some of them again.",
        "gateway.yaml",
        "authorization.yaml",
        also=(get("/delay/0", headers=(("x-team", "pay-eu"),)), get("/delay/0", headers=(("x-team", "other"),))),
        features=["GatewayAuthorization"],
    ),
    boundary_probes(
        "GatewayHosts",
        "Wildcard hosts end where they should, and each of several servers serves its own hosts and port.",
        "go-httpbin.yaml",
        "hosts.yaml",
    ),
    boundary_probes(
        "GatewayMatches",
        "Paths, methods, headers and query parameters choose the rule, in the order of the rules.",
        "go-httpbin.yaml",
        "gateway.yaml",
        "matches.yaml",
        also=(get("/anything/12"), get("/anything/12345"), get("/anything/items", headers=(("x-canary", "always"),))),
    ),
    boundary_probes(
        "GatewayRewrite",
        "Backends are asked for the rewritten path and host.",
        "gateway.yaml",
        "rewrite.yaml",
        also=(get("/users/ann/orders/7?all=1"), get("/users/ann/orders/x"), get("/v1/"), get("/v1/a%20b/c?d")),
    ),
    boundary_probes(
        "GatewayRedirect",
        "The gateway itself answers redirects, with code and Location as specified, and a fixed response.",
        "gateway.yaml",
        "redirect.yaml",
    ),
    boundary_probes(
        "GatewayHeaders",
        "Request and response headers are set, added and removed, by the route and by its destinations.",
        "go-httpbin.yaml",
        "gateway.yaml",
        "headers.yaml",
        also=(
            get(
                "/response-headers?x-powered-by=httpbin&x-frame-options=ALLOW&x-served-by=backend",
                headers=(("x-debug", "1"), ("x-trail", "client"), ("x-environment", "test"), ("x-other", "kept")),
            ),
        ),
    ),
    boundary_probes(
        "GatewayCors",
        "Preflights of allowed origins are answered at the gateway, those of others are not.",
        "gateway.yaml",
        "cors.yaml",
    ),
    boundary_probes(
        "GatewayTls",
        "HTTPS with the certificate of a Secret, no host beside the certificate's, no TLS older than allowed.",
        "secret.yaml",
        "tls.yaml",
        features=["GatewayTLS"],
    ),
    boundary_probes(
        "GatewayMutualTls",
        "Clients are served with a certificate of the right authority, not with a foreign one, nor without any.",
        "secret.yaml",
        "mutual-tls.yaml",
        tls=CLIENT,
        also=[
            get("/status/200", host, port=443, scheme="https", tls=tls)
            for host in (HOST, "optional.example.com")
            for tls in (CLIENT, FOREIGN, TRUSTING)
        ],
        features=["GatewayTLS"],
    ),
    boundary_probes(
        "GatewayHttpsRedirect",
        "Plain HTTP is sent to HTTPS, for hosts with and without a route, and HTTPS is served.",
        "secret.yaml",
        "https-redirect.yaml",
        features=["GatewayTLS"],
    ),
    boundary_probes(
        "GatewayTwo",
        "Two gateways with one host each open their own routes alone.",
        "go-httpbin.yaml",
        "two.yaml",
    ),
    boundary_probes(
        "GatewayAndMesh",
        "One VirtualService decides differently for the gateway and for clients within the mesh.",
        "go-httpbin.yaml",
        "gateway.yaml",
        "mesh.yaml",
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_gateway(scenario, verify):
    verify(scenario)
