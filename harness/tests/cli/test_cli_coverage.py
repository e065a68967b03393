"""What is not understood is never green, and costs only the requests that it touches."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

FILTER = """\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits}
spec: {workloadSelector: {labels: {app: other}}, configPatches: []}
"""
OTHER = """\
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: c, image: example/other}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other}
spec: {hosts: [other], http: [{route: [{destination: {host: other}}]}]}
"""
BROKEN = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other}
spec:
  host: other
  subsets: [{labels: {version: v1}}]
"""
HELLO = ("--request", "GET http://helloworld:5000/hello")


def folder(place: Any, **files: str) -> None:
    spec = place.mesh("spec")
    (spec / "other.yaml").write_text(OTHER)
    for name, text in files.items():
        (spec / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="module")
def limited(places: Any) -> tuple[Any, Any]:
    """A run with an object of a kind that is not modelled: how it ended, and its folder."""
    place = places("limited")
    folder(place, limits=FILTER)
    return place.run(*place.verify, "--output", "run"), place.here / "run"


def test_a_kind_that_is_not_modelled(limited: tuple[Any, Any]) -> None:
    ended, _ = limited
    assert ended.code == 1, ended.err
    assert "Understood  inconclusive" in ended.out
    assert "spec/limits.yaml:1:1: EnvoyFilter default/limits" in ended.out.replace("\n    ", " ")
    assert "proved 1 of 2 rules" in ended.out
    assert "Split       passed" in ended.out, "the other service is proved all the same"
    assert "harness" not in ended.out + ended.err


def test_every_report_says_first_what_was_proved(limited: tuple[Any, Any]) -> None:
    _, run = limited
    said = "proved 1 of 2 rules"
    coverage = json.loads((run / "report.json").read_text())["coverage"]
    assert coverage["proved"].startswith(said)
    assert coverage["dependences"][0]["requests"][0] == "GET http://other/"
    assert said.capitalize() in (run / "report.html").read_text()
    properties = ET.parse(run / "junit.xml").getroot().iter("property")
    assert any(one.get("name") == "proved" and str(one.get("value")).startswith(said) for one in properties)
    events = [json.loads(line) for line in (run / "events.ndjson").read_text().splitlines()]
    assert any(one["event"] == "CoverageFound" for one in events)


def test_what_a_person_allows_to_be_unproven_passes_and_is_said(place: Any) -> None:
    folder(place, limits=FILTER)
    ended = place.run(*place.verify, "--allow-unproven", "EnvoyFilter", "--output", "run")
    assert ended.code == 0, ended.out + ended.err
    said = "allowed to be unproven: EnvoyFilter default/limits (spec/limits.yaml:1:1)"
    assert said in ended.out.replace("\n", " ")
    run = place.here / "run"
    assert all(said in (run / name).read_text() for name in ("report.html", "junit.xml", "report.json"))


def test_strict_refuses_it_before_anything_starts(place: Any) -> None:
    folder(place, limits=FILTER)
    ended = place.run(*place.verify, "--strict")
    assert ended.code == 4
    assert "spec/limits.yaml:1:1: EnvoyFilter default/limits" in ended.err
    assert not (place.here / "meshproof-runs").exists()
    allowed = place.run(*place.verify, "--strict", "--allow-unproven", "EnvoyFilter", *HELLO)
    assert allowed.code == 0, allowed.err


def test_strict_refuses_a_document_of_a_kind_that_is_not_read(place: Any) -> None:
    folder(place, gizmo="apiVersion: example.com/v1\nkind: Gizmo\nmetadata: {name: g}\n")
    ended = place.run(*place.verify, "--strict")
    assert ended.code == 4
    assert "spec/gizmo.yaml:1:1" in ended.err


def test_a_kind_that_is_misspelt_is_told(place: Any) -> None:
    folder(place, limits=FILTER)
    ended = place.run(*place.verify, "--allow-unproven", "Envoyfilter")
    assert ended.code == 4
    assert "no kind is called Envoyfilter: did you mean EnvoyFilter?" in ended.err


def test_a_request_that_it_does_not_touch_is_proved(place: Any) -> None:
    folder(place, limits=FILTER, broken=BROKEN)
    ended = place.run(*place.verify, *HELLO)
    assert ended.code == 0, ended.out + ended.err
    touched = place.run(*place.verify, "--request", "GET http://other/")
    assert touched.code == 1
    assert "EnvoyFilter" in touched.out
    assert "Split" not in touched.out, "nothing is sent that could not be proved"


@pytest.mark.long
def test_an_object_that_a_cluster_refuses_is_named_with_its_line(place: Any) -> None:
    folder(place, broken=BROKEN)
    ended = place.run(*place.verify)
    said = ended.out.replace("\n    ", " ")
    assert ended.code == 1, ended.err
    assert "spec/broken.yaml:6:13: DestinationRule default/other" in said
    assert "a cluster refuses it" in said
    assert "Split       passed" in ended.out
    allowed = place.run(*place.verify, "--allow-unproven", "DestinationRule")
    assert allowed.code == 1, "what a cluster refuses cannot be allowed"


def test_a_file_that_is_no_yaml_costs_what_it_mentions(place: Any) -> None:
    folder(place, broken="kind: DestinationRule\nspec: {host: other\n")
    assert place.run(*place.verify, *HELLO).code == 0
    ended = place.run(*place.verify, "--request", "GET http://other/")
    assert ended.code == 1
    assert "spec/broken.yaml" in ended.out
    assert "not YAML" in ended.out


def test_a_named_request_that_nothing_can_answer_is_no_pass(place: Any) -> None:
    folder(place)
    ended = place.run(*place.verify, "--request", "GET http://helloword:5000/hello", *HELLO)
    said = ended.out.replace("\n    ", " ")
    assert ended.code == 1
    assert "no answer to it can be held" in said
    assert "did you mean helloworld?" in said
    assert "Split       passed" in ended.out, "the other request is verified"
