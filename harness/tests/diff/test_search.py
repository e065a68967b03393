"""The search misses no change: what any request of a small world would show is found by the requests that are tried."""

from __future__ import annotations

import io
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.diff.behaviour import behaviour
from meshproof.diff.comparison import compare
from meshproof.diff.sides import Side, sides
from meshproof.manifest import load
from meshproof.mesh.predict.prediction import predict

SERVICES = "---\n".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: example/a, ports: [{{containerPort: 80}}]}}]}}
"""
    for name in ("a", "b")
)
URIS = ("uri: {exact: /x}", "uri: {prefix: /x}", "uri: {prefix: /x/y}", "uri: {regex: '/x.*'}")
OTHERS = ("headers: {p: {exact: v}}", "headers: {q: {}}", "withoutHeaders: {p: {}}", "method: {exact: POST}")
OTHERS += ("queryParams: {k: {exact: v}}", "sourceLabels: {app: web}")
MATCH = st.tuples(st.sampled_from(["", *URIS]), st.sampled_from(["", *OTHERS])).map(
    lambda pair: ", ".join(filter(None, pair))
)
ACTION = st.sampled_from(
    [
        "route: [{destination: {host: a}}]",
        "route: [{destination: {host: b}}]",
        "directResponse: {status: 418}",
        "{timeout: 3s, route: [{destination: {host: a}}]}",
    ]
)
RULES = st.lists(st.tuples(MATCH, ACTION), min_size=1, max_size=3)
WORLD = [
    Request(method, "a", 80, path, headers)
    for method, path, headers in product(
        ("GET", "POST"),
        ("/", "/x", "/xy", "/x/y", "/x/y/z", "/x?k=v", "/?k=v", "/x/y?k=w"),
        ((), (("p", "v"),), (("p", "w"),), (("q", "1"),), (("p", "v"), ("q", "1"))),
    )
]
CLIENTS = ({}, {"app": "web"})


def manifests(rules: list[tuple[str, str]]) -> Side | object:
    http = ""
    for match, action in rules:
        fields = action if action.startswith("{") else f"{{{action}}}"
        asked = f"match: [{{{match}}}], " if match else ""
        http += f"  - {{{asked}{fields[1:]}\n"
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n"
    )
    return load(["-"], stdin=io.StringIO(f"{SERVICES}---\n{text}{http}"))


@settings(max_examples=15)
@given(RULES, RULES)
def test_what_any_request_of_a_small_world_would_show_is_found(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    old, new = sides(manifests(before), manifests(after))
    found = compare(old, new, "default")
    assert found.left_out == ()
    shown = {(one.old, one.new) for one in found.changes}
    for request, labels in product(WORLD, CLIENTS):
        one, other = (
            behaviour(side.mesh, predict(side.mesh, request, source("default", labels))) for side in (old, new)
        )
        for about in one.keys() & other.keys():
            if one[about].value != other[about].value and not one[about].own:
                assert (one[about].text, other[about].text) in shown, (str(request), labels)


TO_A, TO_B = (f"route: [{{destination: {{host: {name}}}}}]" for name in ("a", "b"))


def test_a_pair_behind_a_rule_that_takes_many_other_pairs_is_found() -> None:
    before = [("headers: {q: {}}", TO_A), ("method: {exact: POST}", TO_B)]
    after = [("withoutHeaders: {p: {}}", TO_A), ("uri: {exact: /x/y}", TO_B)]
    found = compare(*sides(manifests(before), manifests(after)), "default")
    tried = [str(request) for one in found.changes for request in one.requests]
    assert any(" p:" in one and " q:" in one and "/x/y" in one for one in tried), tried


# A length that is no number to Envoy's parser.
UNFOUND = ('headers: {content-length: {regex: "[1-9].*"}}', TO_B)


def test_a_rule_that_no_request_shows_is_no_sign_that_nothing_changes() -> None:
    without, having = manifests([("", TO_A)]), manifests([UNFOUND, ("", TO_A)])
    for old, new, how in ((without, having, "changed"), (having, without, "changed")):
        found = compare(*sides(old, new), "default")
        assert [(one.part.why, one.how) for one in found.opaque] == [("no request was found that shows this rule", how)]
        assert not found.is_same


def test_one_that_is_hidden_or_the_same_on_both_sides_is_not_told() -> None:
    hidden = [("", TO_A), ("headers: {q: {}}", TO_B)]
    assert compare(*sides(manifests([("", TO_A)]), manifests(hidden)), "default").is_same
    old, new = [UNFOUND, ("", TO_A)], [UNFOUND, ("headers: {q: {}}", TO_B), ("", TO_A)]
    assert compare(*sides(manifests(old), manifests(new)), "default").opaque == ()
