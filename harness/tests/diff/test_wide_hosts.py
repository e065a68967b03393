"""Hosts that a pattern takes at a Gateway: what changes for any of them is said once, by the pattern."""

from __future__ import annotations

import io

import pytest
from meshproof.diff.comparison import compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load

MESH = """\
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: front}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [HOSTS]
  gateways: [entry]
  http: [{timeout: 1s, route: [{destination: {host: front}}]}]
"""


@pytest.mark.parametrize(
    ("hosts", "named"),
    [
        ('"*"', ["*"]),
        ('"*.example.com"', ["*.example.com"]),
        ("shop.example.com, api.example.com", ["shop.example.com", "api.example.com"]),
        ('"*.example.com", api.example.org', ["*.example.com", "api.example.org"]),
    ],
)
def test_a_change_is_told_once_for_each_host_that_is_written(hosts: str, named: list[str]) -> None:
    old = MESH.replace("HOSTS", hosts)
    both = (load(["-"], stdin=io.StringIO(one), strict=False) for one in (old, old.replace("1s", "2s")))
    *lines, _ = text(compare(*sides(*both), "default"))
    told = [line.partition(" by Gateway default/entry: 1 s → 2 s")[0] for line in lines]
    assert sorted(told) == sorted(f"timeout of all of {one}" for one in named)


WILD = """\
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild}
spec:
  hosts: ["*.wild.example"]
  ports: [{number: 8443, name: tls, protocol: TLS}, {number: 8080, name: http, protocol: HTTP}]
  resolution: NONE
"""


def test_hosts_of_a_pattern_that_become_known_are_a_change() -> None:
    old = MESH.replace("HOSTS", "shop.example.com")
    both = (load(["-"], stdin=io.StringIO(one), strict=False) for one in (old, old + WILD))
    (change,) = compare(*sides(*both), "default").changes
    assert (change.host, [one.port for one in change.requests]) == ("*.wild.example", [8443, 8080])
