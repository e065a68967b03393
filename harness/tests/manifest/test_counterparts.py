"""Which objects what is applied has otherwise, or lacks."""

from pathlib import Path

import pytest
from meshproof.manifest import load
from meshproof.manifest.counterparts import Counterparts

SPECIFIED = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: web}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.org]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [a.org]
  gateways: [web/edge]
  http:
  - redirect: {uri: /new}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("hosts: [a.org]\n", "hosts: [b.org]\n", "VirtualService default/shop is another one at {applied}:6:1"),
        ("hosts: [a.org]}", "hosts: [b.org]}", "Gateway web/edge is another one at {applied}:1:1"),
        ("name: shop", "name: cart", "VirtualService default/shop is not there"),
        ("hosts: [a.org]\n", "hosts: ['a.org'] # the same\n", ""),
    ],
)
def test_what_became_of_an_object_is_told_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    specified, applied = tmp_path / "specified.yaml", tmp_path / "applied.yaml"
    specified.write_text(SPECIFIED)
    assert SPECIFIED.count(old) == 1
    applied.write_text(SPECIFIED.replace(old, new))
    wanted = load([str(specified)]).resources
    rule = next(one for one in wanted if one.kind == "VirtualService").body.need("spec").need("http").items()[0]
    found = Counterparts(wanted, load([str(applied)]).resources)
    assert found.told(rule.location, "web/edge") == says.format(applied=applied)


def test_a_listener_of_a_gateway_is_its_gateway(tmp_path: Path) -> None:
    specified = tmp_path / "specified.yaml"
    specified.write_text(SPECIFIED)
    found = Counterparts(load([str(specified)]).resources, [])
    assert found.told(None, "web/edge/http") == "Gateway web/edge is not there"
    assert found.told(None, "") == ""
