"""An object that nobody takes: what it does is not known, and no change is told that the manifests make without it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.diff.comparison import compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load

ROUTING = "routing.yaml"
WEIGHTS = (ROUTING, "weight: 95", "weight: -1")
ENVOYS = (ROUTING, "uri: /documents/", 'uri: "/documents\\n"')
REFUSED = "weight must not be negative, not -1"
BREAK = "uri has a line break in it, which Envoy refuses"
PODS = ("apps.yaml", "replicas: 2\n  selector:\n    matchLabels: {app: catalog, version: v1}", "replicas: two")
BALANCED = "trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 9000000}}}}"
RING = ("destinations.yaml", "  host: catalog\n", f"  host: catalog\n  {BALANCED}\n")
TIMEOUT = (ROUTING, "timeout: 2s", "timeout: 3s")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (WEIGHTS, f"VirtualService shop/catalog is changed, and a cluster would not take it: {REFUSED}"),
        (
            ENVOYS,
            f"VirtualService shop/orders is changed, and Envoy would not take it, nor the routes beside it: {BREAK}",
        ),
        (
            RING,
            "DestinationRule shop/catalog is changed, and Envoy would not take it: Envoy refuses rings of more than",
        ),
        (PODS, "Deployment shop/catalog-v1 is changed, and a cluster would not take it: "),
    ],
    ids=["by istiod", "routes by Envoy", "a cluster by Envoy", "by the API server"],
)
def test_no_change_is_told_of_requests_that_it_decides(told, edit: tuple[str, str, str], line: str) -> None:
    *lines, summary = told(edit)
    assert any(one.startswith(f"  {line}") for one in lines)
    assert summary.startswith("no change was found, and not all is known; 1 object differing as written")


def test_what_else_changes_is_told(told) -> None:
    lines = told(ENVOYS, TIMEOUT)
    assert "timeout of all of payments.shop: 2 s → 3 s (new/routing.yaml:59:7)" in lines
    assert not any("orders.shop" in one for one in lines)


@pytest.mark.parametrize(
    ("name", "wrong", "why"), [("catalog", WEIGHTS, REFUSED), ("orders", ENVOYS, BREAK)], ids=["istiod", "Envoy"]
)
def test_who_mends_or_removes_it_is_not_told_of_an_error(changed, tmp_path: Path, name, wrong, why) -> None:
    changed(wrong)
    broken = load([str(tmp_path / "new")], strict=False)
    routing = (tmp_path / "new" / ROUTING).read_text().split("---\n")
    kept = "---\n".join(one for one in routing if f"name: {name}\n" not in one or "VirtualService" not in one)
    gone = load(["-"], stdin=io.StringIO(kept), strict=False)
    both = (broken, load([str(tmp_path / "old")], strict=False)), (broken, gone)
    for (old, new), how in zip(both, ("mended", "gone"), strict=True):
        lines = text(compare(*sides(old, new), "default"))
        (line,) = (one for one in lines if f"shop/{name} is {how}" in one)
        assert line.startswith(f"  VirtualService shop/{name} is {how}: what it did before is not known, since {why}")


def test_what_was_wrong_before_is_not_held_against_a_change(changed, tmp_path: Path) -> None:
    changed(TIMEOUT)
    several = []
    for side in ("old", "new"):
        file = tmp_path / side / ROUTING
        file.write_text(file.read_text().replace(*ENVOYS[1:]))
        several.append(load([str(tmp_path / side)], strict=False))
    found = compare(*sides(*several), "default")
    assert [(one.about, one.host) for one in found.changes] == [("timeout", "payments.shop")]
    assert found.opaque == ()
    # The changed rule stands beside it in the routes of the port.
    assert [(one.subject, one.why) for one in found.standing] == [("VirtualService shop/orders", BREAK)]
