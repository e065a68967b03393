"""Paths as Istio's default normalisation leaves them, and rules that are held against them so."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, parse
from meshproof.mesh.model.path import normalized
from meshproof.mesh.predict.prediction import predict


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/", "/"),
        ("/public/./data/abc/../xyz", "/public/data/xyz"),
        ("/some%2fdata/%61%62%63", "/some%2fdata/abc"),
        ("/some\\data", "/some/data"),
        ("/some//data///abc", "/some//data///abc"),
        ("/a//../b", "/a/b"),
        ("/a//../../b", "/b"),
        ("/..", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/%2E%2e/a", "/a"),
        ("/..a/...", "/..a/..."),
        ("/%2d%5f%7E%30%5A", "/-_~0Z"),
        ("/%252e%252e/b", "/%252e%252e/b"),
        ("/%zz%", "/%zz%"),
        ('/{a}|^`<>"', "/%7Ba%7D%7C%5E%60%3C%3E%22"),
        ("/a?x=%61/../b", "/a?x=%61/../b"),
        ("/a?x#y", "/a?x"),
        ("/a#y?x", "/a"),
        ("/a%00", None),
        ("*", None),
    ],
)
def test_normalised_as_documented(path: str, seen: str | None) -> None:
    assert normalized(path) == seen


def test_rules_and_backends_get_the_normalised_path(routed) -> None:
    mesh = routed(
        "- match: [{uri: {exact: /status/a}}]\n  rewrite: {uri: /x}\n  route: [{destination: {host: greeter}}]\n"
        "- match: [{uri: {prefix: /go}}]\n  redirect: {authority: other}"
    ).mesh
    decoded = predict(mesh, Request("GET", "greeter", 5000, "/b/../status/%61?q"))
    assert (decoded.path, decoded.status) == ("/x?q", 0)
    assert predict(mesh, Request("GET", "greeter", 5000, "/status%2fa")).status == 404
    assert predict(mesh, Request("GET", "greeter", 5000, "/status/%00")).status == 400
    moved = predict(mesh, Request("GET", "greeter", 5000, "/x/../%67o?q=%61"))
    assert moved.redirect is not None
    assert moved.redirect.target == "http://other/go?q=%61"


def test_a_host_header_is_what_rules_see(routed) -> None:
    mesh = routed("- match: [{authority: {exact: 'greeter:1'}}]\n  directResponse: {status: 201}").mesh
    assert predict(mesh, parse("http://elsewhere:5000/ host:greeter:1")).status == 201
    assert predict(mesh, parse("http://greeter:5000/ host:greeter:2")).status == 404
    assert parse("http://a/ host:B.c:80").domain == "b.c"
    assert parse("http://a/ host:B.c").domain == "b.c"
    assert parse("http://A:81/").domain == "a"
