"""A proxy's dump beside the objects: a stranger's may hold anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from meshproof.border.facts.captured import Dump
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build
from meshproof.run.explaining.beside_dump import whole

MESH = """\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: c, image: shop}]}}
"""
HOST = {"name": "shop.shop.svc.cluster.local:80", "domains": ["shop.shop.svc.cluster.local"]}


@pytest.fixture
def built(tmp_path: Path) -> Built:
    (tmp_path / "mesh.yaml").write_text(MESH)
    return build(load([str(tmp_path / "mesh.yaml")]).resources)


@pytest.mark.parametrize(
    "routes",
    [
        [{}],
        [{"name": "80", "virtual_hosts": 1}],
        [{"name": "80", "virtual_hosts": [{"name": "x"}]}],
        [{"name": "80", "virtual_hosts": [{**HOST, "routes": 7}]}],
        [{"name": "80", "virtual_hosts": [{**HOST, "routes": [{"direct_response": 7}]}]}],
        [{"name": "80", "virtual_hosts": [{**HOST, "request_headers_to_add": [{}]}]}],
    ],
)
def test_what_is_no_configuration_is_told_and_never_the_same(built: Built, routes: Any) -> None:
    (found,) = whole(built, [Dump("shop", "one", {}, False, {"routes": routes})])
    assert found.differs
    assert found.found is not None or found.why == "its dump is not of the form of Envoy's configuration"


def test_a_proxy_without_the_host_differs(built: Built) -> None:
    (found,) = whole(built, [Dump("shop", "one", {}, False, {})])
    assert found.found is not None
    (difference,) = found.found.differences
    assert (difference.place, difference.theirs) == ("the virtual host", "nothing")
