"""Namespaces that istiod looks at, as `discoverySelectors` of the mesh configuration say."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.model.unmodelled import Called
from meshproof.mesh.predict.prediction import predict

WEB = """\
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: PLACE}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: PLACE}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
"""


def operator(selectors: str) -> str:
    return (
        "---\napiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: i}\n"
        f"spec: {{meshConfig: {{discoverySelectors: [{selectors}]}}}}\n"
    )


def namespace(name: str, labels: str = "") -> str:
    return f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


def built(*texts: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO("".join(texts)), strict=False), standing_in=StandingIn())


def places(found: Built) -> set[str]:
    return {one.namespace for one in found.mesh.services}


SHOP, OTHER = WEB.replace("PLACE", "shop"), WEB.replace("PLACE", "other")
LABELLED = namespace("shop", "mesh: 'on'") + namespace("other", "mesh: 'off'")


@pytest.mark.parametrize(
    "selectors",
    [
        "{matchLabels: {mesh: 'on'}}",
        "{matchExpressions: [{key: mesh, operator: In, values: ['on', maybe]}]}",
        "{matchLabels: {mesh: x}}, {matchExpressions: [{key: mesh, operator: NotIn, values: ['off']}]}",
        "{matchLabels: {kubernetes.io/metadata.name: shop}}",
    ],
)
def test_what_stands_in_other_namespaces_is_not_seen(selectors: str) -> None:
    found = built(operator(selectors), LABELLED, SHOP, OTHER)
    assert places(found) == {"shop"}
    assert not found.mesh.unmodelled
    assert any("do not select the namespace other" in one.message for one in found.notices)
    assert predict(found.mesh, parse("GET http://web.other/"), source("shop")).arms == ()


def test_without_selectors_all_are_seen() -> None:
    assert places(built(operator(""), LABELLED, SHOP, OTHER)) == {"shop", "other"}


def test_names_alone_need_no_labels() -> None:
    selectors = "{matchLabels: {kubernetes.io/metadata.name: shop}}"
    found = built(operator(selectors), SHOP, OTHER)
    assert (places(found), found.mesh.unmodelled) == ({"shop"}, ())


def test_labels_that_are_told_nowhere_cost_the_requests_of_their_namespace() -> None:
    found = built(operator("{matchLabels: {mesh: 'on'}}"), namespace("shop", "mesh: 'on'"), SHOP, OTHER)
    assert places(found) == {"shop", "other"}
    (one,) = found.mesh.unmodelled
    assert (one.subject, one.touches) == ("Namespace other", (Called(("web.other.svc.cluster.local",)),))


def test_nothing_stands_in_for_what_is_not_seen() -> None:
    rule = (
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r, namespace: shop}\n"
        "spec: {hosts: [web], http: [{route: [{destination: {host: web.other.svc.cluster.local}}]}]}\n"
    )
    found = built(operator("{matchLabels: {mesh: 'on'}}"), LABELLED, SHOP, OTHER, rule)
    assert places(found) == {"shop"}
    (arm,) = predict(found.mesh, parse("GET http://web/"), source("shop")).arms
    assert arm.status == 503


def test_selectors_that_are_none_leave_everything_unproved() -> None:
    found = built(operator("{matchExpressions: [{key: mesh, operator: Has}]}"), LABELLED, SHOP)
    (one,) = found.mesh.unmodelled
    assert "operator must be one of" in one.why
    assert places(found) == {"shop"}
