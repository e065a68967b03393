"""Two meshes whose rules differ are told apart by the probes of either."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.samples import sample_requests

V1 = "route: [{destination: {host: greeter, subset: v1}}]"
V2 = "route: [{destination: {host: greeter, subset: v2}}]"
REST = f"- {V2}\n"


def telling(one, other) -> list[Request]:
    """The probes of either mesh to which they answer otherwise."""
    several = (*probes(one, beside=other).requests, *probes(other, beside=one).requests)
    return [request for request in several if _said(one, request) != _said(other, request)]


def _said(mesh, request: Request) -> object:
    found = predict(mesh, request)
    arms = [(arm.destination, arm.share, arm.response_headers) for arm in found.arms]
    return found.path, found.status, found.headers, arms


@pytest.mark.parametrize(
    ("match", "ours", "theirs"),
    [
        ("{uri: {regex: 'HERE'}}", "/v[0-9]+/.*", "/v[0-8]+/.*"),
        ("{uri: {regex: 'HERE'}}", "/items(/[a-z]+)*", "/items(/[a-y]+)*"),
        ("{headers: {x-user: {regex: 'HERE'}}}", "[a-f]+", "[a-g]+"),
        ("{headers: {cookie: {regex: 'HERE'}}}", "^(.*?;)?(user=jason)(;.*)?$", "^(.*?;)?(user=jason)$"),
        ("{withoutHeaders: {x-user: {regex: 'HERE'}}}", "[a-f]+", "[a-g]+"),
        ("{queryParams: {q: {regex: 'HERE'}}}", "[0-9]+", "[0-8]+"),
        ("{method: {regex: 'HERE'}}", "GET|PATCH", "GET|OPTIONS"),
        ("{method: {regex: 'HERE'}}", "GET|HEAD", "GET|HEAD|PROPFIND"),
        ("{authority: {regex: 'HERE'}}", "greeter(:[0-9]+)?", "greeter(:[0-8]+)?"),
    ],
)
def test_regular_expressions_that_share_their_examples(routed, match: str, ours: str, theirs: str) -> None:
    one, other = (routed(f"- match: [{match.replace('HERE', text)}]\n  {V1}\n" + REST).mesh for text in (ours, theirs))
    assert telling(one, other)
    assert not telling(one, one)


def test_origins_of_a_cors_policy(routed) -> None:
    one, other = (
        routed(f"- corsPolicy: {{allowOrigins: [{{regex: '{text}'}}]}}\n  {V1}\n").mesh
        for text in ("https://.*[.]a[.]com", "https://[a-z]*[.]a[.]com")
    )
    assert telling(one, other)


@pytest.mark.parametrize(
    ("pattern", "by", "other_pattern", "other_by"),
    [
        ("^/a/([^/]+)(/.*)?$", r"/i/\1\2", "^/a/([^/]+)(/.*)?$", r"/i/\1"),
        ("^/a/([^/]+)(/.*)?$", r"/i/\1\2", "^/a/([a-z]+)(/.*)?$", r"/i/\1\2"),
        ("^/a/([^/]+)/([^/]+)$", r"/a/\2/\1", "^/a/([^/]+)/([^/]+)$", r"/a/\1/\2"),
        ("a+", "b", "a", "b"),
    ],
)
def test_paths_that_are_rewritten(routed, pattern: str, by: str, other_pattern: str, other_by: str) -> None:
    one, other = (
        routed(
            "- match: [{uri: {prefix: /a}}]\n"
            f"  rewrite: {{uriRegexRewrite: {{match: '{a}', rewrite: '{b}'}}}}\n  {V1}"
        ).mesh
        for a, b in ((pattern, by), (other_pattern, other_by))
    )
    assert telling(one, other)


def test_what_cannot_be_told_apart_is_left_out(routed) -> None:
    one, other = (
        routed(f"- match: [{{headers: {{x-a: {{regex: '(.*a){{{count}}}.{{40}}'}}}}}}]\n  {V1}\n" + REST).mesh
        for count in (30, 31)
    )
    (left,) = probes(one, beside=other).left_out
    assert left == (one.virtual_services[0].http[0].location, 1)
    assert not probes(one).left_out


def test_a_rule_behind_a_narrower_regular_expression_is_reached(routed) -> None:
    rules = "".join(
        f"- match: [{{headers: {{x-user: {{regex: '{text}'}}}}}}]\n  {V1}\n" for text in ("[0-8]+", "[0-9]+")
    )
    mesh = routed(rules + REST).mesh
    requests, notices = sample_requests(mesh)
    reached = {predict(mesh, one).route for one in requests}
    assert reached == {one.location for one in mesh.virtual_services[0].http}
    assert not notices


@pytest.mark.parametrize("mode", ["MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"])
def test_another_normalization_of_paths(routed, mode: str) -> None:
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
    config += f"data:\n  mesh: |\n    pathNormalization: {{normalization: {mode}}}\n"
    one, other = routed(f"- {V1}\n").mesh, routed(f"- {V1}\n", more=config).mesh
    assert telling(one, other)
