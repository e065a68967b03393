"""Whatever a mesh looks like, its translation is whole."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.envoy import resource_types as types
from meshproof.envoy.names import cluster_name
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.errors import Location
from meshproof.mesh.model.destination_rule import DestinationRule, Subset, TrafficPolicy
from meshproof.mesh.model.gateway import Gateway, Server, ServerTls
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import (
    Destination,
    HeaderChanges,
    HttpRoute,
    MatchKind,
    Mirror,
    RouteDestination,
    RouteMatch,
    StringMatch,
    VirtualService,
)

HERE = Location("generated.yaml", 1, 1)
NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["default", "other"])
NUMBERS = st.sampled_from([80, 5000, 8000])
SUBSETS = st.sampled_from(["v1", "v2", "v3"])
HOSTS = st.one_of(
    st.builds(lambda name, space: f"{name}.{space}.{CLUSTER_DOMAIN}", NAMES, NAMESPACES),
    st.sampled_from(["foo.com", "*.foo.com", "*.local"]),
)


@st.composite
def services(draw):
    ports = draw(st.lists(NUMBERS, min_size=1, max_size=2, unique=True))
    protocols = st.sampled_from(["http", "tcp", ""])
    return Service(
        draw(NAMES), draw(NAMESPACES), tuple(ServicePort(n, "", n, draw(protocols), HERE) for n in ports), {}, HERE
    )


DESTINATIONS = st.builds(
    Destination, HOSTS, st.one_of(st.just(""), SUBSETS), st.one_of(st.none(), NUMBERS), st.just(HERE)
)
MATCHES = st.builds(
    RouteMatch,
    location=st.just(HERE),
    uri=st.one_of(
        st.none(),
        st.builds(StringMatch, st.sampled_from(list(MatchKind)[:3]), st.sampled_from(["/", "/a"]), st.just(HERE)),
    ),
    port=st.one_of(st.none(), NUMBERS),
    gateways=st.sampled_from([(), ("mesh",), ("default/gw",)]),
)
RULES = st.builds(
    HttpRoute,
    name=st.just(""),
    matches=st.lists(MATCHES, max_size=2).map(tuple),
    destinations=st.lists(
        st.builds(RouteDestination, DESTINATIONS, st.integers(1, 100), st.just(HeaderChanges()), st.just(HERE)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    location=st.just(HERE),
    mirrors=st.lists(
        st.builds(Mirror, DESTINATIONS, st.sampled_from([Fraction(0), Fraction(1, 10)]), st.just(HERE)), max_size=1
    ).map(tuple),
)
MESHES = st.builds(
    Mesh,
    services=st.lists(services(), max_size=3, unique_by=lambda one: one.host).map(tuple),
    virtual_services=st.lists(
        st.builds(
            VirtualService,
            NAMES,
            NAMESPACES,
            st.lists(HOSTS, min_size=1, max_size=2, unique=True).map(tuple),
            st.sampled_from([("mesh",), ("default/gw",), ("mesh", "default/gw")]),
            st.lists(RULES, min_size=1, max_size=3).map(tuple),
            st.just(HERE),
        ),
        max_size=3,
    ).map(tuple),
    destination_rules=st.lists(
        st.builds(
            DestinationRule,
            NAMES,
            NAMESPACES,
            HOSTS,
            st.lists(st.builds(Subset, SUBSETS, st.just({}), st.just(TrafficPolicy()), st.just(HERE)), max_size=2).map(
                tuple
            ),
            st.just(TrafficPolicy()),
            st.just(HERE),
        ),
        max_size=2,
    ).map(tuple),
    gateways=st.lists(
        st.builds(
            Gateway,
            st.just("gw"),
            st.just("default"),
            st.just({}),
            st.lists(
                st.builds(
                    Server,
                    NUMBERS,
                    st.just("HTTP"),
                    st.just("web"),
                    st.lists(st.one_of(HOSTS, st.just("*")), min_size=1, max_size=2).map(tuple),
                    st.builds(ServerTls, https_redirect=st.booleans()),
                    st.just(HERE),
                ),
                min_size=1,
                max_size=2,
            ).map(tuple),
            st.just(HERE),
        ),
        max_size=2,
    ).map(tuple),
)
PROXIES = st.builds(Proxy, st.sampled_from(list(Kind)), NAMESPACES)


@settings(max_examples=60)
@given(MESHES, PROXIES)
def test_every_translation_is_whole(mesh, proxy):
    snapshot = translate(mesh, proxy, {})
    snapshot.check()
    every = {cluster_name(s.host, "", port.number) for s in mesh.services for port in s.ports}
    assert every <= set(snapshot.clusters)
    assert set(snapshot.clusters) == set(snapshot.of(types.ENDPOINT))
    assert snapshot.dangling.isdisjoint(snapshot.clusters)
    for table in snapshot.of(types.ROUTE).values():
        domains = [domain for host in table.virtual_hosts for domain in host.domains]
        assert len(domains) == len(set(domains))
        assert len({host.name for host in table.virtual_hosts}) == len(table.virtual_hosts)
