"""What of a Service is applied otherwise than specified, and no request shows, is never green; `diff` tells it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.coverage import Unproved
from meshproof.diff.comparison import compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

MESH = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {SPEC}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: c, ports: [{name: a, containerPort: 8080}, {name: b, containerPort: 9090}]}]}
"""
SELECTOR = "selector: {app: web}"
PORT = "{name: http, port: 80, targetPort: 8080}"
PLAIN = f"{SELECTOR}, ports: [{PORT}]"
OUTSIDE = "type: ExternalName, externalName: out.example.com"
Differ = Callable[[str, str], Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Differ:
    def make(specified: str, applied: str) -> Verification:
        places = [tmp_path / name for name in ("specified.yaml", "applied.yaml")]
        for place, spec in zip(places, (specified, applied), strict=True):
            place.write_text(MESH.replace("SPEC", spec))
        return prepare_verification([str(places[0])], [str(places[1])], [], SURE, any_client=True)

    return make


def changes(old: str, new: str) -> str:
    files = ([("mesh.yaml", MESH.replace("SPEC", spec).encode())] for spec in (old, new))
    return "\n".join(text(compare(*sides(*(load([], strict=False, contents=one) for one in files)), "default")))


@pytest.mark.parametrize("name", ["clusterIP: None", "publishNotReadyAddresses: true"])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_which_pods_may_be_called_shows_in_no_answer(verify: Differ, name: str, first: int, second: int) -> None:
    specs = PLAIN, f"{PLAIN}, {name}"
    (one,) = verify(specs[first], specs[second]).coverage.dependences
    how = "is applied, and not specified" if second else "is specified, and not applied"
    assert one.why.startswith(f"{name.removesuffix(': true')} {how}: no request shows")
    assert any("//web/" in asked for asked in one.requests)
    assert not any("//other/" in asked for asked in one.requests)
    assert "Service default/web is changed, and not understood" in changes(specs[first], specs[second])
    assert verify(specs[first], specs[first]).coverage.dependences == ()


@pytest.mark.parametrize(
    ("target", "kind", "why"),
    [
        ("9090", "the port of its endpoints", "9090 is applied, and 8080 is specified: no load shows it"),
        ("b", "the port of its endpoints", "9090 is applied, and 8080 is specified: no load shows it"),
        ("a", "", ""),
        (
            "8080, appProtocol: ''",
            "protocol to pods",
            "the protocol of its client is applied, and HTTP/1.1 is specified: no load shows it",
        ),
    ],
)
def test_how_pods_are_called_may_show_in_no_answer(verify: Differ, target: str, kind: str, why: str) -> None:
    applied = PLAIN.replace("8080", target)
    found = [one for one in verify(PLAIN, applied).coverage.unproved if isinstance(one, Unproved)]
    assert [(one.kind, one.why) for one in found] == ([(kind, why)] if kind else [])
    assert ("no change for requests" in changes(PLAIN, applied)) is not bool(kind)


def test_how_pods_are_called_is_seen_where_it_differs_for_one_client(verify: Differ) -> None:
    applied = PLAIN.replace("8080", "8080, appProtocol: http2")
    assert not [one for one in verify(PLAIN, applied).coverage.unproved if isinstance(one, Unproved)]


MORE = f"{SELECTOR}, ports: [{PORT}, {{name: http-more, port: 81, targetPort: 8080}}]"


@pytest.mark.parametrize(
    ("specified", "applied", "why"),
    [
        (PLAIN, MORE, "port 81 is applied, and not specified: nothing is sent there"),
        (OUTSIDE, PLAIN, "specified, and a Service of its own is applied: nothing is sent there"),
        (OUTSIDE, f"{OUTSIDE}.org", "specified, and one for out.example.com.org is applied: nothing is sent there"),
        (OUTSIDE, OUTSIDE, ""),
    ],
)
def test_what_nothing_asks_for_is_told(verify: Differ, specified: str, applied: str, why: str) -> None:
    found = [one.why for one in verify(specified, applied).coverage.dependences if "nothing is sent" in one.why]
    assert [one.endswith(why) for one in found] == [True] * bool(why)
