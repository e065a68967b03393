"""By what a hash chooses the pod of a request: what its route hashes, where its destination is chosen by a hash."""

from __future__ import annotations

import pytest
from meshproof.border.request import Hashing, HashKey, parse
from meshproof.mesh.predict.prediction import predict

HASHED = "loadBalancer: {consistentHash: {httpHeaderName: %s}}"
BY_USER = HASHED % "x-user"
BY_PORT = f"portLevelSettings: [{{port: {{number: 5000}}, {BY_USER}}}]"
RANDOM = "loadBalancer: {simple: RANDOM}"
USER, OTHER = HashKey("header", "x-user"), HashKey("header", "x-other")


def text_of(rule: str, subset: str, route: str) -> str:
    """The greeter with another DestinationRule first, whose subset `own` are the pods of v2."""
    policy = f"  trafficPolicy: {{{rule}}}\n" if rule else ""
    own = f", trafficPolicy: {{{subset}}}" if subset else ""
    text = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: another}\n"
        f"spec:\n  host: greeter\n{policy}  subsets: [{{name: own, labels: {{version: v2}}{own}}}]\n"
    )
    if route:
        text += (
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: greeter}\n"
            f"spec:\n  hosts: [greeter]\n  http: [{{route: [{route}]}}]\n"
        )
    return text


def to(subset: str = "", port: bool = False, weight: int = 0) -> str:
    parts = ["host: greeter", *([f"subset: {subset}"] if subset else []), *(["port: {number: 5000}"] if port else [])]
    return f"{{destination: {{{', '.join(parts)}}}{f', weight: {weight}' if weight else ''}}}"


@pytest.fixture
def hashed(built):
    """How the pods of each destination are chosen."""

    def of(rule: str = "", subset: str = "", route: str = "") -> list[Hashing | None]:
        mesh = built(text_of(rule, subset, route)).mesh
        return [arm.hashed_by for arm in predict(mesh, parse("GET http://greeter:5000/")).arms]

    return of


@pytest.mark.parametrize(
    ("rule", "subset", "route", "keys"),
    [
        (BY_USER, "", "", (USER,)),
        (BY_USER, "", to(), (USER,)),
        (BY_USER, "", to("own"), (USER,)),
        (BY_PORT, "", "", (USER,)),
        (BY_PORT, "", to(), None),
        (BY_PORT, "", to(port=True), (USER,)),
        (BY_PORT, "", to("own"), None),
        (BY_PORT, "", to("own", port=True), (USER,)),
        ("", BY_USER, to("own"), (USER,)),
        ("", BY_USER, to(), None),
        ("", BY_PORT, to("own"), None),
        ("", BY_PORT, to("own", port=True), (USER,)),
        (HASHED % "x-other", BY_USER, to("own"), (USER,)),
        (HASHED % "x-other", BY_PORT, to("own"), (OTHER,)),
        (f"{HASHED % 'x-other'}, {BY_PORT}", "", to(), (OTHER,)),
        (f"{HASHED % 'x-other'}, {BY_PORT}", "", "", (USER,)),
        (BY_USER, RANDOM, to("own"), None),
        (f"{BY_USER}, portLevelSettings: [{{port: {{number: 5000}}, {RANDOM}}}]", "", "", None),
        ("loadBalancer: {consistentHash: {}}", "", to(), None),
    ],
)
def test_what_decides(hashed, rule, subset, route, keys) -> None:
    (found,) = hashed(rule, subset, route)
    assert (found.keys if found else None) == keys


def test_how_many_pods_there_are_to_choose_from(hashed) -> None:
    assert hashed(BY_USER) == [Hashing((USER,), 3)]
    assert hashed(BY_USER, route=to("own")) == [Hashing((USER,), 2)]


@pytest.mark.parametrize(
    ("size", "even"),
    [
        ("ringHash: {minimumRingSize: 191}", False),
        ("ringHash: {minimumRingSize: 192}", True),
        ("maglev: {tableSize: 7}", True),
    ],
)
def test_a_small_ring_may_leave_all_to_one_pod(hashed, size, even) -> None:
    (found,) = hashed(f"loadBalancer: {{consistentHash: {{httpHeaderName: x-user, {size}}}}}")
    assert (found.pods, found.even) == (3, even)


def test_what_the_destinations_of_a_route_have_hashed_is_combined_but_for_those_without_a_weight(hashed) -> None:
    rule, subset = HASHED % "x-other", BY_USER
    first, second = hashed(rule, subset, f"{to(weight=1)}, {to('own', weight=1)}")
    assert first.keys == second.keys == (OTHER, USER)
    whole, own = hashed(rule, subset, f"{to(weight=1)}, {{destination: {{host: greeter, subset: own}}, weight: 0}}")
    assert whole.keys == own.keys == (OTHER,)


def test_a_cookie_is_given_with_its_ttl_and_path(hashed) -> None:
    (found,) = hashed("loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 300s, path: /a}}}")
    assert found.keys == (HashKey("cookie", "user", 300.0, "/a"),)


def test_a_destination_that_a_sidecar_leaves_out_has_the_hash_of_its_rule(built) -> None:
    text = f"""apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{app: helloworld}}, ports: [{{name: http, port: 5000}}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: hashed}}
spec: {{host: greeter, trafficPolicy: {{{BY_USER}}}, subsets: [{{name: own, labels: {{version: v2}}}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: front}}
spec: {{hosts: [front], http: [{{route: [{to("own")}]}}]}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: limit}}
spec: {{egress: [{{hosts: [./front.default.svc.cluster.local]}}]}}
"""
    (arm,) = predict(built(text).mesh, parse("GET http://front:5000/")).arms
    assert arm.hashed_by is not None
    assert arm.hashed_by.keys == (USER,)
