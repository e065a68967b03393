"""The state-of-the-world protocol, message by message."""

import asyncio

import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.service.discovery.v3 import discovery_pb2
from meshproof.envoy import resource_types as types
from meshproof.envoy.control_plane.control import Controlled, RefusedError
from meshproof.envoy.control_plane.subscription import Answer, Content, Stream
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate

CONTENT = Content(3, "v", (cluster_pb2.Cluster(name="c"),))


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
    assert (response.version_info, response.type_url, len(response.resources)) == ("v", types.ENDPOINT, 1)


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
