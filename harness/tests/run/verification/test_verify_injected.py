"""A Namespace whose label for sidecars comes or goes: without it no rule within the mesh counts for its pods."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.diff.comparison import compare
from meshproof.diff.sides import sides
from meshproof.manifest import load
from meshproof.run.verification.verification import prepare_verification

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec: {hosts: [cart], http: [{timeout: 2s, route: [{destination: {host: cart}}]}]}
---
"""
ENABLED, REVISION, CLOSED = "istio-injection: enabled", "istio.io/rev: stable", "istio-injection: disabled"
SPECIFIED = "that its pods get sidecars is specified, and not applied: no request shows it"
APPLIED = "that its pods get sidecars is applied, and not specified: no request shows it"
ALONE = "its pods have no sidecar: what they send goes by no rule within the mesh"


def namespace(labels: str, name: str = "default") -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{team: a, {labels}}}}}\n"


@pytest.mark.parametrize(
    ("specified", "applied", "why"),
    [
        (namespace(ENABLED), namespace(""), SPECIFIED),
        (namespace(REVISION), namespace(""), SPECIFIED),
        (namespace(""), namespace(ENABLED), APPLIED),
        # What is closed is told as such, once.
        (namespace(ENABLED), namespace(CLOSED), ALONE),
        (namespace(ENABLED), namespace(f"{REVISION}, {CLOSED}"), ALONE),
    ],
)
def test_it_is_not_proved_and_a_change(tmp_path: Path, specified: str, applied: str, why: str) -> None:
    paths = [tmp_path / "specified.yaml", tmp_path / "applied.yaml"]
    for path, text in zip(paths, (specified, applied), strict=True):
        path.write_text(SHOP + text)
    first, second = map(str, paths)
    (told,) = prepare_verification([first], [second], (), Precision(), any_client=True).coverage.dependences
    assert (told.subject, told.why) == ("Namespace default", why)
    assert "GET http://cart/" in told.requests
    both = compare(*sides(load([first], strict=False), load([second], strict=False)), "default")
    assert [one.part.why for one in both.opaque] == [why]


@pytest.mark.parametrize(("asking", "told"), [("{app: cart, sidecar.istio.io/inject: 'true'}", 0), ("{app: cart}", 1)])
def test_pods_that_ask_for_a_sidecar_themselves_get_one_either_way(tmp_path: Path, asking: str, told: int) -> None:
    pods = f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: cart}}
spec:
  selector: {{matchLabels: {{app: cart}}}}
  template: {{metadata: {{labels: {asking}}}, spec: {{containers: [{{name: c, image: registry.example/cart}}]}}}}
"""
    for name, text in (("specified", namespace(ENABLED)), ("applied", namespace(""))):
        (tmp_path / f"{name}.yaml").write_text(SHOP + text + pods)
    paths = ([str(tmp_path / f"{name}.yaml")] for name in ("specified", "applied"))
    assert len(prepare_verification(*paths, (), Precision(), any_client=True).coverage.dependences) == told


@pytest.mark.parametrize(
    ("specified", "applied"),
    [
        (namespace(ENABLED), namespace(REVISION)),
        (namespace(""), namespace("")),
        # Whoever leaves the Namespace out says nothing of it.
        (namespace(ENABLED), ""),
    ],
)
def test_what_says_the_same_is_proved(tmp_path: Path, specified: str, applied: str) -> None:
    for name, text in (("specified", specified), ("applied", applied)):
        (tmp_path / f"{name}.yaml").write_text(SHOP + text)
    paths = ([str(tmp_path / f"{name}.yaml")] for name in ("specified", "applied"))
    assert prepare_verification(*paths, (), Precision(), any_client=True).coverage.dependences == ()
