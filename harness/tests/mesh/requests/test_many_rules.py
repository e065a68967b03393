"""Hundreds of rules that earlier ones hide: looking for their requests takes no longer for each when there are more."""

from __future__ import annotations

from collections import Counter

import pytest
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import entries
from meshproof.mesh.requests.samples import sample_requests

HEAD = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\n"
HEAD += "spec:\n  hosts: [greeter]\n  http:\n"
TO = "    route: [{destination: {host: greeter}}]\n"


def rules(*conditions: str) -> str:
    return HEAD + "".join(f"  - match: [{{{one}}}]\n{TO}" for one in conditions)


def hidden(number: int) -> str:
    """Rules below one path that the first takes whole."""
    return rules("uri: {prefix: /a}", *(f"uri: {{prefix: /a/{at}}}" for at in range(number)))


def beyond(number: int) -> str:
    """Pairs of rules of which the first takes what the second is likeliest to be asked for, and not all of it."""
    several = ((f"uri: {{prefix: /{at}/x}}", f"uri: {{prefix: /{at}}}") for at in range(number // 2))
    return rules(*(one for pair in several for one in pair))


@pytest.fixture
def looks(built, monkeypatch):
    def count(text: str) -> int:
        mesh: Mesh = built(text).mesh
        seen: Counter[str] = Counter()
        meets = entries.meets

        def counted(match, request):
            seen["conditions"] += 1
            return meets(match, request)

        with monkeypatch.context() as patched:
            patched.setattr(entries, "meets", counted)
            sample_requests(mesh)
        return seen["conditions"]

    return count


@pytest.mark.parametrize("made", [hidden, beyond])
def test_twice_as_many_take_twice_as_many_looks(looks, made) -> None:
    few, many = looks(made(40)), looks(made(80))
    assert few
    assert many < 3 * few


def test_a_rule_that_is_hidden_whole_is_looked_for_no_further(looks) -> None:
    assert looks(hidden(40)) < 40 * 20


@pytest.mark.parametrize(
    ("first", "path", "taken"),
    [
        ("uri: {regex: '/a/b?'}", "/a/", 0),
        ("uri: {regex: '/a/b?'}", "/a/c", 1),
        ("uri: {regex: '/a|/b'}", "/b", 0),
        ("uri: {regex: '/a/c+'}", "/a/cc", 0),
        ("uri: {prefix: /a/c}", "/a/cc?x", 0),
        ("uri: {prefix: /A/C}, ignoreUriCase: true", "/a/cc", 0),
        ("uri: {exact: /a/c}", "/a/c?x#y", 0),
        ("uri: {exact: /a/c}", "/a/cc", 1),
        ("headers: {x: {exact: a}}", "/a", 1),
    ],
)
def test_whatever_a_condition_begins_with_its_rule_is_found(built, first: str, path: str, taken: int) -> None:
    from meshproof.border.request import Request
    from meshproof.mesh.predict.prediction import predict

    mesh = built(rules(first, "uri: {prefix: /}")).mesh
    found = predict(mesh, Request("GET", "greeter", 5000, path))
    assert found.route == mesh.virtual_services[0].http[taken].location
    assert found.looked_at == tuple(one.location for one in mesh.virtual_services[0].http[: taken + 1])
