"""The state-of-the-world protocol, message by message."""

import asyncio
from dataclasses import replace

import pytest
from envoy.service.discovery.v3 import discovery_pb2
from meshproof.envoy import resource_types as types
from meshproof.envoy.control_plane.control import Controlled, RefusedError
from meshproof.envoy.control_plane.subscription import Answer, Content, Stream
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource import Resource
from meshproof.envoy.translate import translate
from meshproof.mesh.model.destination_rule import ConnectionPool, Subset, TrafficPolicy
from meshproof.mesh.model.mesh import Mesh

CONTENT = Content(3, "v", (Resource(types.ENDPOINT, "a", b""), Resource(types.ENDPOINT, "b", b"")))


def request(nonce="", names=(), error="", type_url=types.ENDPOINT):
    message = discovery_pb2.DiscoveryRequest(type_url=type_url, response_nonce=nonce, resource_names=names)
    if error:
        message.error_detail.code = 13
        message.error_detail.message = error
    return message


@pytest.fixture
def stream():
    """A stream whose proxy has asked for endpoint `a` and was answered."""
    stream = Stream()
    assert stream.receive(request(names=["a"]), CONTENT) is None
    return stream


def last_nonce(stream):
    nonce = ""
    while not stream.outbox.empty():
        nonce = stream.outbox.get_nowait().nonce
    return nonce


def test_the_first_request_is_answered_with_what_is_held(stream):
    response = stream.outbox.get_nowait()
    assert (response.version_info, response.type_url, len(response.resources)) == ("v", types.ENDPOINT, 2)


def test_only_what_has_changed_is_sent(stream):
    last_nonce(stream)
    stream.send(types.ENDPOINT, CONTENT, CONTENT.resources[1:])
    (sent,) = stream.outbox.get_nowait().resources
    assert (sent.type_url, sent.value) == (types.ENDPOINT, b"")


def test_a_type_that_was_never_asked_for_is_not_sent():
    stream = Stream()
    stream.send(types.ENDPOINT, CONTENT)
    assert stream.outbox.empty()


def test_the_latest_nonce_acknowledges(stream):
    assert stream.receive(request(last_nonce(stream), ["a"]), CONTENT) == Answer(types.ENDPOINT, 3)


def test_a_reason_refuses(stream):
    answer = stream.receive(request(last_nonce(stream), ["a"], "bad"), CONTENT)
    assert answer == Answer(types.ENDPOINT, 3, "bad")


def test_a_stale_nonce_says_nothing(stream):
    stale = last_nonce(stream)
    stream.send(types.ENDPOINT, CONTENT)
    assert stream.receive(request(stale, ["a"]), CONTENT) is None
    assert stream.receive(request(stale, ["a"], "bad"), CONTENT) is None


def test_an_acknowledgement_that_asks_for_more_is_answered_first(stream):
    nonce = last_nonce(stream)
    assert stream.receive(request(nonce, ["a", "b"]), CONTENT) is None
    again = last_nonce(stream)
    assert again not in ("", nonce)
    assert stream.receive(request(again, ["a", "b"]), CONTENT) == Answer(types.ENDPOINT, 3)


def test_after_a_refusal_without_a_former_configuration_nothing_is_held(build):
    async def scene():
        proxy, stream = Controlled("n"), Stream()
        proxy.connect(stream)
        proxy.receive(stream, request(type_url=types.CLUSTER))
        rollout = asyncio.create_task(proxy.set(translate(build.mesh(), Proxy(), {}), 5))
        sent = await stream.outbox.get()
        proxy.receive(stream, request(sent.nonce, error="bad", type_url=types.CLUSTER))
        with pytest.raises(RefusedError, match="n refused the clusters"):
            await rollout
        again = Stream()
        proxy.connect(again)
        proxy.receive(again, request(type_url=types.CLUSTER))
        return again.outbox.empty()

    assert asyncio.run(scene())


class Taking:
    """A proxy that asks for everything at once and takes all that it is given; `sent` has (type, names) in order."""

    def __init__(self):
        self.controlled, self.sent = Controlled("n"), []
        self.reconnect()

    def reconnect(self):
        self.stream = Stream()
        self.controlled.connect(self.stream)
        for url in types.MESSAGES:
            self.controlled.receive(self.stream, request(type_url=url))

    async def take(self):
        while True:
            response = await self.stream.outbox.get()
            key = types.KEYS[response.type_url]
            names = [getattr(types.MESSAGES[one.type_url].FromString(one.value), key) for one in response.resources]
            self.sent.append((response.type_url, names))
            self.controlled.receive(self.stream, request(response.nonce, type_url=response.type_url))

    async def given(self, *snapshots):
        """What each of the snapshots makes the control plane send."""
        taking, found = asyncio.create_task(self.take()), []
        for one in snapshots:
            self.sent.clear()
            await self.controlled.set(one, 5)
            found.append(list(self.sent))
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return found


CLUSTERS = [f"outbound|5000|{subset}|helloworld.default.svc.cluster.local" for subset in ("", "v1", "v2")]


def test_a_changed_weight_sends_its_route_table_alone(build):
    first, second = (translate(build.mesh(build.split(at, 100 - at)), Proxy(), {}) for at in (10, 20))

    async def scene():
        return await Taking().given(first, second, first)

    whole, *changed = asyncio.run(scene())
    assert {url for url, _ in whole} == {types.CLUSTER, types.ENDPOINT, types.LISTENER, types.ROUTE, types.SECRET}
    assert changed == [[(types.ROUTE, ["5000"])]] * 2


def test_a_moved_pod_sends_the_endpoints_of_its_clusters_alone(build):
    places = [{"default/helloworld-v1": (Address("p", {5000: ("127.0.0.1", at)}),)} for at in (1, 2)]
    snapshots = [translate(build.mesh(), Proxy(), one) for one in places]

    async def scene():
        return (await Taking().given(*snapshots))[1]

    assert asyncio.run(scene()) == [(types.ENDPOINT, CLUSTERS[:2])]


def test_a_changed_cluster_is_sent_with_all_others_and_with_its_endpoints(build):
    pool = TrafficPolicy(connection_pool=ConnectionPool(max_connections=7))
    subsets = (Subset("v1", {"version": "v1"}, pool, build.here), Subset("v2", {}, TrafficPolicy(), build.here))
    plain = replace(
        build.mesh(), destination_rules=(build.rule(None, replace(subsets[0], policy=TrafficPolicy()), subsets[1]),)
    )
    limited = replace(plain, destination_rules=(build.rule(None, *subsets),))

    async def scene():
        return (await Taking().given(translate(plain, Proxy(), {}), translate(limited, Proxy(), {})))[1]

    assert asyncio.run(scene()) == [(types.CLUSTER, CLUSTERS), (types.ENDPOINT, CLUSTERS[1:2])]


def test_a_changed_listener_is_sent_with_its_route_table(build):
    first, second = (translate(build.mesh(), Proxy(ports={5000: at}), {}) for at in (0, 18080))

    async def scene():
        return (await Taking().given(first, second))[1]

    assert asyncio.run(scene()) == [(types.LISTENER, ["0.0.0.0_5000"]), (types.ROUTE, ["5000"])]


def test_the_last_listener_is_taken_away(build):
    one, none = translate(build.mesh(), Proxy(), {}), translate(Mesh(), Proxy(), {})

    async def scene():
        return (await Taking().given(one, none))[1]

    assert (types.LISTENER, []) in asyncio.run(scene())


def test_what_a_refusal_has_brought_is_not_taken_for_held(build):
    """After the NACK of a route table its predecessor is sent again, though the last acknowledged one was the same."""
    good, bad = (translate(build.mesh(build.split(at, 100 - at)), Proxy(), {}) for at in (10, 20))

    async def scene():
        proxy = Taking()
        await proxy.given(good)
        rollout = asyncio.create_task(proxy.controlled.set(bad, 5))
        refused = await proxy.stream.outbox.get()
        proxy.controlled.receive(proxy.stream, request(refused.nonce, error="bad", type_url=types.ROUTE))
        taking = asyncio.create_task(proxy.take())
        proxy.sent.clear()
        with pytest.raises(RefusedError):
            await rollout
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return proxy.sent

    assert asyncio.run(scene()) == [(types.ROUTE, ["5000"])]


def test_after_a_new_connection_nothing_counts_as_held(build):
    first, second = (translate(build.mesh(build.split(at, 100 - at)), Proxy(), {}) for at in (10, 20))

    async def scene():
        proxy = Taking()
        await proxy.given(first)
        proxy.reconnect()
        while not proxy.stream.outbox.empty():
            proxy.stream.outbox.get_nowait()
        return (await proxy.given(second))[0]

    sent = asyncio.run(scene())
    assert {url for url, _ in sent} >= {types.CLUSTER, types.ENDPOINT, types.LISTENER, types.ROUTE}
