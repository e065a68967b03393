"""What becomes of a mutant of one's own manifests before anything is driven, and which load is driven first for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision
from meshproof.mutate import Mutant, mutants
from meshproof.report.selfcheck.record import MutantStatus
from meshproof.run.selfcheck import folder as own
from meshproof.run.selfcheck.folder import Folder, case, draw, read_folder
from meshproof.run.verification.specification import nothing_more

APPS = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: web, image: example/web, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
"""
PLAIN = """\
  - match: [{uri: {prefix: /old/}}]
    rewrite: {uri: /}
    timeout: 2s
    route: [{destination: {host: web}}]
  - retries: {attempts: 1, retryOn: 5xx}
    route: [{destination: {host: web}}]
"""
DELEGATING = """\
  - match: [{uri: {prefix: /old/}}]
    delegate: {name: old}
  - route: [{destination: {host: web}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: old}
spec:
  http:
  - rewrite: {uri: /}
    route: [{destination: {host: web}}]
"""

Make = Callable[..., Folder]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Manifests with these rules, and how they are verified with these requests."""

    def read(rules: str = PLAIN, *requests: str, apps: str = APPS, any_client: bool = False) -> Folder:
        (tmp_path / "web.yaml").write_text(apps + rules)
        asked = [parse(one) for one in requests]
        return read_folder(
            [str(tmp_path)], asked, Precision(), namespace="default", limits=nothing_more, any_client=any_client
        )

    return read


def only(folder: Folder, operator: str, what: str = "") -> Mutant:
    several = mutants(folder.own, folder.manifests.resources)
    (found,) = [one for one in several if one.operator == operator and what in one.what]
    return found


def test_what_a_request_shows_is_driven(make: Make) -> None:
    folder = make()
    found = case(folder, only(folder, "rewrite-dropped"))
    assert found.judged.status is None
    assert found.judged.part == "VirtualService default/web, rule 1"
    assert found.judged.location.endswith("web.yaml:24:5")
    assert [one.name for one in found.loads][:2] == ["verify", "boundaries"]


@pytest.mark.parametrize(("operator", "first"), [("timeout-dropped", "resilience"), ("rule-dropped", "verify")])
def test_the_load_that_is_for_what_changed_comes_first(make: Make, operator: str, first: str) -> None:
    folder = make()
    several = [one for one in mutants(folder.own, folder.manifests.resources) if one.operator == operator]
    assert case(folder, several[0]).loads[0].name == first


def test_what_a_cluster_refuses_does_not_run(make: Make) -> None:
    folder = make()
    found = case(folder, only(folder, "retries-changed", "1 → 0"))
    assert found.judged.status is MutantStatus.REFUSED
    assert "retries without attempts" in found.judged.reason
    assert found.loads == ()


def test_what_means_the_same_for_all_requests_does_not_run(make: Make) -> None:
    folder = make(PLAIN.replace("    timeout: 2s\n", "").replace("prefix: /old/", "regex: /old/.*"))
    found = case(folder, only(folder, "condition-widened"))
    assert (found.judged.status, found.judged.reason, found.loads) == (MutantStatus.EQUIVALENT, "the same", ())


def test_of_named_requests_others_count_for_nothing(make: Make) -> None:
    folder = make(PLAIN, "GET http://web/new")
    judged = case(folder, only(folder, "rewrite-dropped")).judged
    assert judged.status is MutantStatus.EQUIVALENT
    assert judged.reason.startswith("the same for the requests that are named, another for GET http://web/old/")


def test_what_no_request_of_the_verification_shows_is_missed(make: Make, monkeypatch) -> None:
    folder = make()
    monkeypatch.setattr(own, "showing", lambda _: ())
    judged = case(folder, only(folder, "rewrite-dropped")).judged
    assert judged.status is MutantStatus.SURVIVED
    assert judged.reason.startswith("no request of the verification shows it; GET http://web/old/")


def test_what_can_no_longer_be_proved_is_no_pass(make: Make) -> None:
    folder = make(DELEGATING)
    assert folder.coverage.outcome is Outcome.PASSED
    several = [one for one in mutants(folder.own, folder.manifests.resources) if one.original.name == "old"]
    judged = case(folder, next(one for one in several if one.resource is None)).judged
    assert (judged.status, judged.outcome) == (MutantStatus.KILLED, Outcome.INCONCLUSIVE)
    assert judged.by == ("Understood",)
    assert "VirtualService default/old" in judged.reason


def test_what_cannot_be_proved_at_all_is_said(make: Make) -> None:
    coverage = make(DELEGATING.replace("name: old}\nspec", "name: other}\nspec")).coverage
    assert coverage.outcome is Outcome.INCONCLUSIVE
    assert "VirtualService default/old" in coverage.reason


def test_a_sample_is_drawn_at_random_and_again(make: Make) -> None:
    folder = make()
    (first, found), (again, _), (other, _) = (draw(folder, 5, seed) for seed in (1, 1, 2))
    assert [one.judged for one in first] == [one.judged for one in again] != [one.judged for one in other]
    assert sum(one.judged.counts for one in first) == 5
    assert found == len(list(mutants(folder.own, folder.own))) > 20


def test_what_stands_in_for_what_is_not_there_is_part_of_each_mutant(make: Make) -> None:
    service, _, rules = APPS.split("---\n")
    folder = make(apps=f"{service}---\n{rules}")
    assert [one.kind for one in folder.own] == ["Service", "VirtualService"]
    assert [one.kind for one in folder.manifests.resources[2:]] == ["Deployment"]
    assert [one.name for one in case(folder, only(folder, "rewrite-dropped")).loads][:1] == ["verify"]


EJECTING = """\
  - route: [{destination: {host: web}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 2s}}
"""


def test_a_policy_that_clients_elsewhere_no_longer_meet_cannot_be_proved(make: Make) -> None:
    folder = make(EJECTING, any_client=True)
    judged = case(folder, only(folder, "destination-rule-export-narrowed", "exportTo * → .")).judged
    assert (judged.status, judged.by) == (MutantStatus.KILLED, ("Understood",))
    assert "outlierDetection" in judged.reason
