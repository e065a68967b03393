"""Requests through a real Envoy as ingress gateway."""

import asyncio
import re
import ssl
from dataclasses import replace

import pytest
import trustme
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.envoy.unsupported import unsupported
from meshproof.mesh.model.gateway import Gateway, Server, ServerTls, TlsMode
from meshproof.mesh.model.kubernetes import Secret
from meshproof.mesh.model.unmodelled import Entering

PROXY = Proxy(Kind.GATEWAY, "istio-system", {"istio": "ingressgateway"})
PLAIN = ServerTls()


def gateway(build, *servers, name="gw"):
    return Gateway(name, "default", {"istio": "ingressgateway"}, servers, build.here)


def server(build, *hosts, port=80, protocol="HTTP", tls=PLAIN, name="web"):
    return Server(port, protocol, name, hosts, tls, build.here)


def ingress(build, gateways, *virtual_services, secrets=()):
    return replace(build.mesh(), gateways=gateways, virtual_services=virtual_services, secrets=secrets)


def opened(build, *routes, hosts=("httpbin.example.com",), gateways=("default/gw",), name="vs"):
    return build.virtual_service(*routes, hosts=hosts, gateways=gateways, name=name)


def statuses(site, mesh, *requests):
    """The status of each (path, host), asked of port 80."""

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh, PROXY)
            return [(await s.ask(ports[80], path, host=host))[0] for path, host in requests]

    return asyncio.run(scene())


def test_only_what_is_routed_is_opened(site, build):
    routes = build.route(build.to(port=5000), matches=(build.uri("prefix", "/status"), build.uri("exact", "/delay")))
    mesh = ingress(build, (gateway(build, server(build, "httpbin.example.com")),), opened(build, routes))
    asked = {
        ("/status/200", "httpbin.example.com"): 200,
        ("/status", "httpbin.example.com:80"): 200,
        ("/statusfoo", "HTTPBIN.example.com"): 200,
        ("/delay", "httpbin.example.com"): 200,
        ("/delay/1", "httpbin.example.com"): 404,
        ("/headers", "httpbin.example.com"): 404,
        ("/Status", "httpbin.example.com"): 404,
        ("/status", "other.example.com"): 404,
        ("/headers/../status", "httpbin.example.com"): 200,
    }
    assert dict(zip(asked, statuses(site, mesh, *asked), strict=True)) == asked


def test_wildcard_hosts_are_narrowed_on_either_side(site, build):
    route = build.route(build.to())
    mesh = ingress(
        build,
        (gateway(build, server(build, "*.foo.com", "bar.com")),),
        opened(build, route, hosts=("a.foo.com", "*.bar.com", "bar.com")),
    )
    asked = [("/", host) for host in ("a.foo.com", "b.foo.com", "bar.com", "x.bar.com")]
    assert statuses(site, mesh, *asked) == [200, 404, 200, 404]


def test_several_virtual_services_share_a_host_and_the_catch_all_comes_last(site, build):
    everything = opened(build, build.route(build.to("v1")), name="all")
    special = opened(build, build.route(build.to("v2"), matches=(build.uri("prefix", "/v2"),)), name="special")
    mesh = ingress(build, (gateway(build, server(build, "*")),), everything, special)

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh, PROXY)
            return [(await s.ask(ports[80], path, host="httpbin.example.com"))[2] for path in ("/", "/v2/x")]

    assert asyncio.run(scene()) == ["helloworld-v1-0", "helloworld-v2-0"]


def test_two_gateways_on_one_port_keep_to_their_own_virtual_services(site, build):
    mesh = ingress(
        build,
        (gateway(build, server(build, "a.com")), gateway(build, server(build, "b.com"), name="second")),
        opened(build, build.route(build.to()), hosts=("a.com", "b.com")),
    )
    assert statuses(site, mesh, ("/", "a.com"), ("/", "b.com")) == [200, 404]


def test_a_gateway_without_routes_answers_404(site, build):
    mesh = ingress(build, (gateway(build, server(build, "*")),))
    assert statuses(site, mesh, ("/", "any")) == [404]


def test_a_gateway_of_another_selector_is_not_served(build):
    other = replace(gateway(build, server(build, "*")), selector={"istio": "other"})
    assert translate(ingress(build, (other,)), PROXY, {}).listeners == {}


def test_https_redirect_answers_301_with_and_without_a_virtual_service(site, build):
    tls = ServerTls(https_redirect=True)
    mesh = ingress(
        build,
        (gateway(build, server(build, "httpbin.example.com", "alone.com", tls=tls)),),
        opened(build, build.route(build.to())),
    )

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh, PROXY)
            return [await s.ask(ports[80], "/x", host=host) for host in ("httpbin.example.com", "alone.com")]

    first, second = asyncio.run(scene())
    assert (first[0], first[1]["location"]) == (301, "https://httpbin.example.com/x")
    assert (second[0], second[1]["location"]) == (301, "https://alone.com/x")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def secret(build, authority, namespace="istio-system"):
    cert = authority.issue_cert("httpbin.example.com")
    chain = b"".join(blob.bytes() for blob in cert.cert_chain_pems)
    data = {"tls.crt": chain, "tls.key": cert.private_key_pem.bytes(), "ca.crt": authority.cert_pem.bytes()}
    return Secret("cred", namespace, data, build.here)


def secured(build, mode, authority, namespace="istio-system"):
    tls = ServerTls(mode, "cred", min_version="TLSV1_2", location=build.here)
    return ingress(
        build,
        (gateway(build, server(build, "httpbin.example.com", port=443, protocol="HTTPS", tls=tls)),),
        opened(build, build.route(build.to())),
        secrets=(secret(build, authority, namespace),),
    )


def client_context(authority, own=None):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if own is not None:
        own.configure_cert(context)
    return context


def test_https_with_a_certificate_from_a_secret(site, build, authority):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(secured(build, TlsMode.SIMPLE, authority), PROXY)
            trusted = {"ssl": client_context(authority), "server_hostname": "httpbin.example.com"}
            reply = await s.ask(ports[443], host="httpbin.example.com", **trusted)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await s.ask(ports[443], host="other", ssl=client_context(authority), server_hostname="other.com")
            return reply[0]

    assert asyncio.run(scene()) == 200


@pytest.mark.parametrize(("mode", "without"), [(TlsMode.MUTUAL, False), (TlsMode.OPTIONAL_MUTUAL, True)])
def test_mutual_tls_asks_for_the_clients_certificate(site, build, authority, mode, without):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(secured(build, mode, authority), PROXY)

            async def ask(own=None):
                context = client_context(authority, own)
                try:
                    reply = await s.ask(
                        ports[443], host="httpbin.example.com", ssl=context, server_hostname="httpbin.example.com"
                    )
                except (OSError, asyncio.IncompleteReadError):
                    return None
                return reply[0]

            stranger = trustme.CA().issue_cert("client")
            return await ask(authority.issue_cert("client")), await ask(), await ask(stranger)

    with_own, with_none, with_foreign = asyncio.run(scene())
    assert with_own == 200
    assert with_none == (200 if without else None)
    assert with_foreign is None


def test_any_authority_ends_a_chain_also_one_that_another_signed(site, build, authority):
    """What the gateway trusts, and whether it takes a client whose certificate an intermediate authority signed."""
    between = authority.create_child_ca()
    client = between.issue_cert("client")
    alone = trustme.LeafCert(client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes(), [])
    trusted = {
        "root": authority.cert_pem.bytes(),
        "between": between.cert_pem.bytes(),
        "itself": client.cert_chain_pems[0].bytes(),
        "other": trustme.CA().create_child_ca().cert_pem.bytes(),
    }

    async def scene():
        async with site() as s:
            found = {}
            envoy = None
            for name, pem in trusted.items():
                mesh = secured(build, TlsMode.MUTUAL, authority)
                data = {**mesh.secrets[0].data, "ca.crt": pem}
                mesh = replace(mesh, secrets=(replace(mesh.secrets[0], data=data),))
                if envoy is None:
                    envoy, ports = await s.serve(mesh, PROXY)
                else:
                    await envoy.apply(translate(mesh, PROXY, s.addresses))
                for kind, own in (("chain", client), ("alone", alone)):
                    context = client_context(authority, own)
                    try:
                        reply = await s.ask(
                            ports[443], host="httpbin.example.com", ssl=context, server_hostname="httpbin.example.com"
                        )
                    except (OSError, asyncio.IncompleteReadError):
                        found[name, kind] = None
                    else:
                        found[name, kind] = reply[0]
            return found

    found = asyncio.run(scene())
    assert found == {
        ("root", "chain"): 200,
        ("root", "alone"): None,
        ("between", "chain"): 200,
        ("between", "alone"): 200,
        ("itself", "chain"): 200,
        ("itself", "alone"): 200,
        ("other", "chain"): None,
        ("other", "alone"): None,
    }


def test_a_secret_in_another_namespace_than_the_gateways_pod_costs_what_enters_there_alone(build, authority):
    mesh = secured(build, TlsMode.SIMPLE, authority, "default")
    assert not translate(mesh, PROXY, {}).document()["listeners"]
    (found,) = unsupported(mesh)
    assert re.search(r"no Secret cred in istio-system.*there is one in default", found.why)
    assert found.touches == (Entering(mesh.gateways[0].key, 443),)


def test_a_private_key_shows_nowhere(build, authority):
    snapshot = translate(secured(build, TlsMode.SIMPLE, authority), PROXY, {})
    assert "PRIVATE" not in repr(snapshot)
    (shown,) = snapshot.document()["secrets"]
    assert set(shown["tls_certificate"]["private_key"].values()) == {"[redacted]"}


def test_a_server_that_cannot_be_served_touches_those_who_enter_by_its_port(build):
    mesh = ingress(build, (gateway(build, server(build, "*", protocol="TLS")),))
    translate(mesh, PROXY, {})
    (found,) = unsupported(mesh)
    assert str(found).startswith("mesh.yaml:1:1: Gateway ")
    assert "a server of protocol TLS with no tls.mode is not served here" in str(found)
    assert found.touches == (Entering(mesh.gateways[0].key, mesh.gateways[0].servers[0].port),)
