"""ListenerSets: which Gateways take them, which routes attach to them, and what of them is not proved."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering

SITE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front}
spec:
  gatewayClassName: istio
  allowedListeners: {namespaces: {from: Same}}
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: front.example.com}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: front}
  listeners: [{name: shop, port: 80, protocol: HTTP, hostname: shop.example.com}, {name: own, port: 81, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{kind: ListenerSet, name: more}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


def built(text: str = SITE) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(text)))


def status(text: str, url: str) -> tuple[int, bool]:
    """What the proxy itself answers (0: nothing), and whether a pod may."""
    mesh = built(text).mesh
    found = predict(mesh, entering(mesh, parse(f"GET {url}")))
    return found.status, any(arm.workloads for arm in found.arms)


def test_a_route_of_a_listener_set_is_for_its_listeners_alone() -> None:
    assert built().mesh.unmodelled == ()
    assert status(SITE, "http://shop.example.com/") == (0, True)
    assert status(SITE, "http://front.example.com/") == (404, False)


def test_a_route_of_the_gateway_is_not_for_its_listener_sets() -> None:
    text = SITE.replace("{kind: ListenerSet, name: more}", "{name: front}")
    assert status(text, "http://front.example.com/") == (0, True)
    assert status(text, "http://shop.example.com/") == (404, False)


@pytest.mark.parametrize("allowed", ["", "  allowedListeners: {namespaces: {from: None}}\n"])
def test_a_gateway_that_takes_none_opens_none(allowed: str) -> None:
    text = SITE.replace("  allowedListeners: {namespaces: {from: Same}}\n", allowed)
    mesh = built(text)
    assert [one.listener for one in mesh.mesh.gateways] == ["http"]
    assert any("takes no ListenerSets of default" in one.message for one in mesh.notices)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name: shop, port: 80", "name: shop, hostname: front.example.com, port: 80", "has its place"),
        ("parentRef: {name: front}", "parentRef: {name: other}", "the Gateway default/other is not among these"),
        ("parentRef: {name: front}", "parentRef: {kind: Service, name: web}", "knows no other parent"),
        ("{from: Same}", "{from: Selector, selector: {matchLabels: {a: b}}}", "no Namespace default is among these"),
    ],
)
def test_what_counts_for_nothing_or_is_not_proved_is_told(old: str, new: str, why: str) -> None:
    text = SITE.replace(old, new)
    if "front.example.com, port" in new:
        text = text.replace(", hostname: shop.example.com", "")
    found = built(text)
    told = [one.why for one in found.mesh.unmodelled] + [one.message for one in found.notices]
    assert any(why in one for one in told)


ELSEWHERE = """\
---
apiVersion: v1
kind: Namespace
metadata: {name: team, labels: {expose: "yes"}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: team}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: theirs, namespace: team}
spec:
  parentRef: {name: front, namespace: default}
  listeners: [{name: team, port: 80, protocol: HTTP, hostname: team.example.com}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: team, namespace: team}
spec:
  parentRefs: [{kind: ListenerSet, name: theirs}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


@pytest.mark.parametrize(
    ("allowed", "taken"),
    [
        ("{from: Same}", False),
        ("{from: All}", True),
        ("{from: Selector, selector: {matchLabels: {expose: 'yes'}}}", True),
        ("{from: Selector, selector: {matchLabels: {expose: 'no'}}}", False),
        ("{from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: team}}}", True),
    ],
)
def test_a_listener_set_of_another_namespace_is_taken_where_the_gateway_allows_it(allowed: str, taken: bool) -> None:
    more = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"
    text = SITE.replace("{from: Same}", allowed) + ELSEWHERE + more
    mesh = built(text).mesh
    assert all("attaches to none of its parents" in one.why for one in mesh.unmodelled)
    found = predict(mesh, parse("GET http://team.example.com/", gateway="default/front"))
    assert [sorted(arm.workloads) for arm in found.arms] == ([["team/web"]] if taken else [])
    made = mesh.gateway("team/theirs")
    assert made is None if not taken else mesh.pods_of(made)[0] == "default"


@pytest.mark.parametrize(("older", "winner"), [("more", "default/web"), ("theirs", "team/web")])
def test_of_two_listener_sets_for_one_place_the_older_has_it(older: str, winner: str) -> None:
    text = SITE.replace("{from: Same}", "{from: All}") + ELSEWHERE.replace("hostname: team.", "hostname: shop.")
    for name, when in (("more", "2026-02-01"), ("theirs, namespace: team", "2026-02-02")):
        day = "2026-01-01" if name.startswith(older) else when
        kept = f"kind: ListenerSet\nmetadata: {{name: {name}"
        text = text.replace(kept, f"{kept}, creationTimestamp: {day}T00:00:00Z")
    found = built(text)
    assert all("attaches to none of its parents" in one.why for one in found.mesh.unmodelled)
    expected = predict(found.mesh, parse("GET http://shop.example.com/", gateway="default/front"))
    assert [sorted(arm.workloads) for arm in expected.arms] == [[winner]]
    assert any("has its place" in one.message for one in found.notices)


def test_of_a_gateway_of_another_class_nothing_is_said_but_that() -> None:
    made = built(SITE.replace("gatewayClassName: istio", "gatewayClassName: acme"))
    assert [one.why for one in made.mesh.unmodelled] == ["a Gateway of class acme is not modelled"]
    assert not made.notices


def test_a_route_to_a_set_that_its_gateway_does_not_take_is_told_so() -> None:
    made = built(SITE.replace("{from: Same}", "{from: None}"))
    assert [one.message for one in made.notices] == [
        "Gateway default/front takes no ListenerSets of default (allowedListeners): istiod opens none of it",
        "istiod opens no listener of ListenerSet default/more, and attaches no route to it",
    ]
