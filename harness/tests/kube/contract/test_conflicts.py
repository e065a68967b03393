"""Which objects of somebody else claim what a run is about to claim."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.targets.kube.conflicts import between
from meshproof.targets.kube.wanted import Wanted


def body(kind: str, spec: dict[str, Any], namespace: str = "run", name: str = "mine") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def found(kind: str, mine: dict[str, Any], theirs: dict[str, Any], namespace: str = "shop") -> list[str]:
    other = body(kind, theirs, namespace, "theirs")
    return [str(one) for one in between(Wanted(body(kind, mine)), other)]


def gateway(host: str, port: int = 80, selector: str = "ingressgateway") -> dict[str, Any]:
    return {"selector": {"istio": selector}, "servers": [{"port": {"number": port}, "hosts": [host]}]}


@pytest.mark.parametrize(
    ("kind", "mine", "theirs"),
    [
        ("VirtualService", {"hosts": ["a.test"]}, {"hosts": ["a.test"]}),
        ("VirtualService", {"hosts": ["a.test"]}, {"hosts": ["b.test", "*.test"]}),
        ("VirtualService", {"hosts": ["*.a.test"]}, {"hosts": ["*.test"]}),
        ("VirtualService", {"hosts": ["a.run.svc.cluster.local"]}, {"hosts": ["a.run.svc.cluster.local"]}),
        ("VirtualService", {"hosts": ["a"]}, {"hosts": ["a.run.svc.cluster.local"]}),
        (
            "VirtualService",
            {"hosts": ["*"], "gateways": ["istio-system/g"]},
            {"hosts": ["a"], "gateways": ["istio-system/g"]},
        ),
        ("DestinationRule", {"host": "a.test"}, {"host": "*.test"}),
        ("ServiceEntry", {"hosts": ["a.test"]}, {"hosts": ["a.test"]}),
        ("Gateway", gateway("*"), gateway("shop.test")),
        ("Gateway", gateway("a.test"), gateway("shop/*.test")),
    ],
)
def test_the_same_host_is_a_conflict(kind: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    [reported] = found(kind, mine, theirs)
    assert reported.startswith(f"{kind} run/mine: ")
    assert reported.endswith(f"is claimed by {kind} shop/theirs already")


@pytest.mark.parametrize(
    ("kind", "mine", "theirs"),
    [
        ("VirtualService", {"hosts": ["a.test"]}, {"hosts": ["b.test"]}),
        ("VirtualService", {"hosts": ["a"]}, {"hosts": ["a"]}),
        ("VirtualService", {"hosts": ["a.test"]}, {"hosts": ["a.test"], "gateways": ["g"]}),
        ("VirtualService", {"hosts": ["a.test"], "gateways": ["g"]}, {"hosts": ["a.test"], "gateways": ["g"]}),
        ("VirtualService", {"hosts": ["a.test"]}, {"hosts": ["a.test"], "exportTo": ["."]}),
        ("DestinationRule", {"host": "a"}, {"host": "a"}),
        ("Gateway", gateway("*"), gateway("*", port=443)),
        ("Gateway", gateway("*"), gateway("*", selector="other")),
        ("Gateway", gateway("a.test"), gateway("b.test")),
        ("VirtualService", {}, {}),
        ("Gateway", {}, {}),
    ],
)
def test_hosts_that_do_not_overlap_are_no_conflict(kind: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert found(kind, mine, theirs) == []


def test_an_object_is_no_conflict_with_itself() -> None:
    one = body("VirtualService", {"hosts": ["a.test"]})
    assert list(between(Wanted(one), one)) == []
