"""Two runs compared: what was lost is found, what only varies by chance is not, and the exit code follows."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from meshproof.cli.group import group
from meshproof.errors import UsageError
from meshproof.language.words import words
from meshproof.report.certificate.document import document
from meshproof.report.comparison.comparison import Comparison, compare
from meshproof.report.comparison.difference import bound
from meshproof.report.comparison.render import markdown, text, verdict
from meshproof.report.comparison.side import side
from meshproof.report.events import Event
from meshproof.report.record import gather
from meshproof.report.run_folder import RunFolder

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def certificate(passed_run: list[Event]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document(gather(passed_run))))
    return found


def edited(certificate: dict[str, Any], edit: Edit) -> Comparison:
    """The certificate before and after an edit, compared."""
    after = copy.deepcopy(certificate)
    edit(after)
    return compare(side(certificate, "a"), side(after, "b"), 0.001)


def split(data: dict[str, Any], count: int, n: int, expected: float = 0.1) -> None:
    """Another count of the second destination."""
    result = data["results"][0]
    result["n"] = n
    for effect, own, share in zip(result["effects"], (n - count, count), (1 - expected, expected), strict=True):
        effect |= {"count": own, "expected": share}


def move(data: dict[str, Any], name: str, outcome: str) -> None:
    core = data["profiles"][0]["core"]
    core["passedTests"].remove(name)
    core[f"{outcome}Tests"].append(name)


def test_the_same_run_is_no_worse(certificate: dict[str, Any]) -> None:
    found = edited(certificate, lambda _: None)
    assert not found.worse
    assert (found.gained, found.lost, found.facts, verdict(found)) == ((), (), (), "nothing got worse")


def test_a_test_that_is_skipped_now_is_lost(certificate: dict[str, Any]) -> None:
    found = edited(certificate, lambda data: move(data, "CanarySplit", "skipped"))
    assert found.worse
    assert [(one.name, one.before, one.after) for one in found.lost] == [("scenarios/CanarySplit", "passed", "skipped")]
    back = compare(found.after, found.before, 0.001)
    assert not back.worse
    assert [one.name for one in back.gained] == ["scenarios/CanarySplit"]


def test_what_is_no_longer_checked_is_lost(certificate: dict[str, Any]) -> None:
    found = edited(certificate, lambda data: data["results"].pop())
    assert [(one.name, one.after) for one in found.lost] == [("CanarySplit/NoErrors", "absent")]
    assert "1 check lost" in verdict(found)


def test_two_verdicts_of_one_name_are_two(certificate: dict[str, Any]) -> None:
    """The worse of them must not be hidden by the other."""
    certificate["results"].insert(0, copy.deepcopy(certificate["results"][1]))
    found = edited(certificate, lambda data: data["results"][0].update(outcome="failed"))
    assert [one.before for one in found.lost] == ["passed"]
    assert found.worse


def test_a_share_that_is_farther_off_is_worse_and_chance_is_not(certificate: dict[str, Any]) -> None:
    split(certificate, 100, 1000)
    drifted = edited(certificate, lambda data: split(data, 200, 1000))
    assert [one.worse for one in drifted.shares] == [True, True]
    assert "2 shares farther" in verdict(drifted)
    assert not edited(certificate, lambda data: split(data, 110, 1000)).worse


def test_the_terminal_is_told_in_another_language(certificate: dict[str, Any]) -> None:
    told = "\n".join(text(edited(certificate, lambda data: split(data, 400, 1000)), words("zh")))
    assert told.startswith("之前  a: 已认证\n之后  b: 已认证\n")
    assert "规定 10 %；有差异 (p ≤ " in told
    assert told.endswith("\n变差：2 个比例离规定值更远")


def test_a_share_that_is_specified_anew_is_no_fault(certificate: dict[str, Any]) -> None:
    split(certificate, 100, 1000)
    for count in (500, 503):
        found = edited(certificate, lambda data, count=count: split(data, count, 1000, expected=0.5))
        assert [(one.differ, one.moved, one.worse) for one in found.shares] == [(True, True, False)] * 2
        assert not found.worse
    assert any("10 % → 50 % specified" in one for one in text(found))


def test_new_gaps_and_a_fallen_headline_are_worse(certificate: dict[str, Any]) -> None:
    gap = {"subject": "EnvoyFilter a/b", "location": "", "why": "not modelled", "allowedBy": "--allow-unproven"}
    assert edited(certificate, lambda data: data["gaps"].append(gap)).worse
    certificate["gaps"] = [gap]
    assert not edited(certificate, lambda data: data["gaps"][0].update(why="not modelled, of 7 requests")).worse
    assert [*edited(certificate, lambda data: data["gaps"].clear()).closed_gaps] == ["EnvoyFilter a/b"]
    found = edited(certificate, lambda data: data.update(headline="certified with gaps"))
    assert "fell from certified to certified with gaps" in verdict(found)
    assert not compare(found.after, found.before, 0.001).worse


def test_facts_that_are_others_are_named_and_no_worse(certificate: dict[str, Any]) -> None:
    found = edited(certificate, lambda data: data["target"]["versions"].update(envoy="1.41.0", istio="1.30"))
    assert [(one.name, one.before, one.after) for one in found.facts] == [
        ("envoy", "1.40.0", "1.41.0"),
        ("istio", "absent", "1.30"),
    ]
    assert not found.worse


def test_files_of_another_folder_are_the_same_by_their_names(certificate: dict[str, Any]) -> None:
    def files(folder: str, **digests: str) -> list[dict[str, str]]:
        return [{"file": f"{folder}/{name.replace('_', '/')}.yaml", "sha256": value} for name, value in digests.items()]

    certificate["sources"]["specified"] = files("/build/1", routes="1" * 64, apps="2" * 64, a_x="3" * 64, b_x="4" * 64)
    certificate["sources"]["applied"] = []
    after = files("k8s", routes="1" * 64, apps="5" * 64, a_x="3" * 64, b_x="4" * 64)
    found = edited(certificate, lambda data: data["sources"].update(specified=after))
    assert [(one.name, one.before[:8], one.after[:8]) for one in found.facts] == [
        ("specified k8s/apps.yaml", "sha256:2", "sha256:5"),
        # Of two with one name nobody can tell which is which.
        ("specified /build/1/a/x.yaml", "sha256:3", "absent"),
        ("specified /build/1/b/x.yaml", "sha256:4", "absent"),
        ("specified k8s/a/x.yaml", "absent", "sha256:3"),
        ("specified k8s/b/x.yaml", "absent", "sha256:4"),
    ]


def test_names_of_others_are_no_markdown(certificate: dict[str, Any]) -> None:
    hostile = "<script>|[x](y)\n# `a`\u202e"
    found = edited(certificate, lambda data: data["target"]["versions"].update(envoy=hostile))
    shown = "\n".join(markdown(found))
    assert "\\<script\\>\\|\\[x\\]\\(y\\) \\# \\`a\\`\\\\u202e" in shown
    assert hostile not in shown


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.pop("results"),
        lambda data: data["results"].append(1),
        lambda data: data["results"][0]["effects"].append({}),
        lambda data: data["results"][0].update(n="many"),
        lambda data: data["results"][0].update(n=float("inf")),
        lambda data: data.update(profiles=[{"name": "x", "core": []}]),
        lambda data: data.update(target=None),
        lambda data: data.update(sources={}),
    ],
)  # fmt: skip
def test_a_certificate_that_was_spoiled_is_refused(certificate: dict[str, Any], edit: Edit) -> None:
    edit(certificate)
    with pytest.raises(UsageError, match="it was edited"):
        side(certificate, "a")


def test_no_difference_is_rarely_found_even_by_who_stops_when_it_seems_one() -> None:
    generator, alpha, found = random.Random(7), 0.05, 0
    for _ in range(400):
        counts = [0, 0]
        for n in range(1, 200):
            counts = [count + (generator.random() < 0.2) for count in counts]
            if bound((counts[0], n), (counts[1], n)) <= alpha:
                found += 1
                break
    assert found / 400 <= alpha


@pytest.mark.parametrize(
    ("first", "other", "least", "most"),
    [
        ((0, 0), (5, 5), 1, 1),
        ((0, 100), (100, 100), 0, 1e-50),
        ((10, 100), (10, 100), 0.5, 1),
        ((10**6, 10**7), (11 * 10**5, 10**7), 0, 1e-9),
    ],
)
def test_the_bound(first: tuple[int, int], other: tuple[int, int], least: float, most: float) -> None:
    assert least <= bound(first, other) <= most
    assert bound(first, other) == bound(other, first)


def run(*words: Any) -> Result:
    return CliRunner().invoke(group, ["compare", *map(str, words)], standalone_mode=False)


def test_run_folders_and_certificates_alike(tmp_path: Path, passed_run: list[Event], failed_run: list[Event]) -> None:
    folders = []
    for name, events in (("a", passed_run), ("b", failed_run)):
        folder = RunFolder(tmp_path / name)
        for event in events:
            folder.handle(event)
        folder.close()
        folders.append(folder.path)
    first, other = folders
    assert run(first, first / "certificate.yaml").return_value == 0
    worse = run(first / "certificate.json", other, "-o", "json")
    assert worse.return_value == 1
    assert json.loads(worse.output)["worse"] is True
    assert run(other, first).return_value == 1, "CanarySplit is gained, but DriftedCanary's checks that passed are gone"
    (tmp_path / "empty").mkdir()
    assert "cannot read the events" in str(run(first, tmp_path / "empty").exception)
    assert "no certificate" in str(run(first, first / "report.html").exception)
