"""What is applied is held against the stand-ins of what is specified, and a strict verification has none."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Precision
from meshproof.errors import ManifestError
from meshproof.run.verification.verification import prepare_verification
from stand_in_manifests import GATEWAY, ROUTE, RULE, SERVICE


def folder(place: Path, text: str) -> str:
    place.mkdir()
    (place / "all.yaml").write_text(text)
    return str(place)


def test_strict_verification_refuses_what_would_stand_in(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="Service default/web: is not among the manifests"):
        prepare_verification([folder(tmp_path / "a", RULE + ROUTE)], [], (), Precision(), strict=True)


def test_what_is_applied_is_held_against_the_same_stand_ins(tmp_path: Path) -> None:
    spec = folder(tmp_path / "spec", RULE + ROUTE + GATEWAY.replace("MODE", "SIMPLE"))
    more = RULE.replace("name: V-2, labels: {version: v2}", "name: v3, labels: {version: v3}")
    applied = folder(tmp_path / "applied", more + ROUTE.replace("V-2", "v3") + GATEWAY.replace("MODE", "SIMPLE"))
    found = prepare_verification([spec], [applied], (), Precision())
    assert found.samples is not None
    (stage,) = found.samples.stages
    assert sorted(one.name for one in stage.mesh.workloads) == ["web-v-2", "web-v1"]
    specified = [one.body for one in stage.specified if one.kind == "Secret"]
    assert [one.body for one in stage.resources if one.kind == "Secret"] == specified


def test_what_is_applied_is_held_against_the_same_services_whatever_else_it_holds(tmp_path: Path) -> None:
    spec = folder(tmp_path / "spec", SERVICE.replace("web", "postgres") + RULE + ROUTE)
    mine = SERVICE.replace("web", "postgres") + ROUTE.replace("hosts: [web]", "hosts: [web, postgres]")
    found = prepare_verification([spec], [folder(tmp_path / "applied", mine + RULE)], (), Precision())
    assert found.samples is not None
    (stage,) = found.samples.stages
    assert sorted(one.name for one in stage.mesh.selected("web.default.svc.cluster.local")) == ["web-v-2", "web-v1"]


def test_what_is_applied_keeps_its_own_subsets(tmp_path: Path) -> None:
    spec = folder(tmp_path / "spec", ROUTE.replace("V-2", "v2"))
    applied = folder(tmp_path / "applied", RULE + ROUTE)
    found = prepare_verification([spec], [applied], (), Precision())
    assert found.samples is not None
    (stage,) = found.samples.stages
    assert [[each.name for each in one.subsets] for one in stage.mesh.destination_rules] == [["v1", "V-2"]]


def test_a_named_request_does_not_hide_the_service_that_is_called_nearly_the_same(tmp_path: Path) -> None:
    text = SERVICE.replace("web", "wbe") + ROUTE.replace(", subset: v1", "").replace(", subset: V-2", "")
    found = prepare_verification([folder(tmp_path / "a", text)], [], (parse("GET http://web/"),), Precision())
    assert "did you mean wbe?" in str(found.coverage.unanswered)


def test_a_target_that_makes_no_pods_has_no_stand_ins(tmp_path: Path) -> None:
    spec = folder(tmp_path / "spec", RULE + ROUTE)
    found = prepare_verification([spec], [], (parse("GET http://web/"),), Precision(), probed=False)
    assert found.coverage.unanswered
    assert not prepare_verification([spec], [], (parse("GET http://web/"),), Precision()).coverage.unanswered


def test_routing_alone_is_not_all_that_runs(tmp_path: Path) -> None:
    whole = SERVICE + RULE + ROUTE
    spec = folder(tmp_path / "spec", whole)
    for name, text, told in (("alone", RULE + ROUTE, True), ("all", whole, False)):
        found = prepare_verification([spec], [folder(tmp_path / name, text)], (), Precision())
        assert any("names all that runs" in one.message for one in found.notices) is told
