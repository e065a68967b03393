"""Requests sent through a real Envoy: what happened is what was predicted, with the flags that Envoy gave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import source
from meshproof.explain.folder import read
from meshproof.mesh.predict.prediction import predict
from meshproof.run.explaining.happened import Happened, happened
from meshproof.run.explaining.sending import Several, send
from meshproof.targets.embedded.target import EmbeddedTarget

pytestmark = pytest.mark.usefixtures("preloaded_forks")
MESH = """\
apiVersion: v1
kind: Service
metadata: {name: bin}
spec: {selector: {app: bin}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bin-v1}
spec:
  replicas: 2
  selector: {matchLabels: {app: bin, version: v1}}
  template:
    metadata: {labels: {app: bin, version: v1}}
    spec: {containers: [{name: c, image: docker.io/kennethreitz/httpbin, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bin}
spec:
  host: bin
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: dark, labels: {version: v9}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bin}
spec:
  hosts: [bin]
  http:
  - match: [{uri: {exact: /dark}}]
    route: [{destination: {host: bin, subset: dark}}]
  - match: [{uri: {exact: /undefined}}]
    route: [{destination: {host: bin, subset: gone}}]
  - match: [{uri: {exact: /aborted}}]
    fault: {abort: {percentage: {value: 100}, httpStatus: 418}}
    route: [{destination: {host: bin}}]
  - match: [{uri: {exact: /get}}]
    fault: {delay: {percentage: {value: 100}, fixedDelay: 10ms}}
    route: [{destination: {host: bin, subset: v1}, weight: 50}, {destination: {host: bin, subset: dark}, weight: 50}]
  - match: [{uri: {prefix: /delay}}]
    timeout: 50ms
    retries: {attempts: 0}
    route: [{destination: {host: bin}}]
  - match: [{uri: {prefix: /status}}]
    retries: {attempts: 1, retryOn: 5xx}
    route: [{destination: {host: bin}}]
"""
COUNT = 24


def test_each_request_ends_as_predicted_and_the_flags_say_why(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    file.write_text(MESH)
    paths = ("/dark", "/undefined", "/aborted", "/get", "/delay/1", "/status/503", "/nothing")
    requests = [parse(f"GET http://bin{path}") for path in paths]
    built = read([str(file)], requests[0], namespace="default", whole=True).built
    target = EmbeddedTarget()
    several = asyncio.run(send(target, built, [Several(one, COUNT) for one in requests], source("default")))
    expected = [predict(built.mesh, one) for one in requests]
    found = {path: happened(one, sent) for path, one, sent in zip(paths, expected, several, strict=True)}
    told = {path: {flag.name: flag.count for flag in one.flags} for path, one in found.items()}
    assert told["/dark"] == {"UH": COUNT}
    assert told["/undefined"] == {"NC": COUNT}
    assert told["/aborted"] == {"FI": COUNT}
    assert told["/get"]["DI"] == COUNT
    assert told["/delay/1"] == {"UT": COUNT}
    assert told["/status/503"] == {"URX": COUNT}
    assert told["/nothing"] == {"NR": COUNT}
    assert [path for path, one in found.items() if not one.agrees] == ["/delay/1"]
    assert [(row.what, row.count) for row in found["/delay/1"].rows] == [
        ("bin.default", 0),
        ("answered 504 by the proxy", COUNT),
    ]
    split = found["/get"]
    assert [row.share for row in split.rows] == [0.5, 0.5]
    assert sum(row.count for row in split.rows) == COUNT == _flagged(split, "UH") + split.rows[0].count


def _flagged(found: Happened, name: str) -> int:
    return sum(flag.count for flag in found.flags if flag.name == name)


def test_a_request_to_a_port_where_nothing_listens_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    file.write_text(MESH)
    request: Request = parse("GET http://bin:81/")
    built = read([str(file)], request, namespace="default").built
    (sent,) = asyncio.run(send(EmbeddedTarget(), built, [Several(request, 2)], source("default")))
    found = happened(predict(built.mesh, request), sent)
    assert [(row.what, row.count, row.agrees) for row in found.rows] == [("its connection is refused", 2, True)]
