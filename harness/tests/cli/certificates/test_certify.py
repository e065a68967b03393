"""`meshproof certify`: the headline, its exit code, and what is refused before anything is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from meshproof.border.facts.provenance import Digest
from meshproof.cli.certificates.certify import exit_code
from meshproof.cli.group import group
from meshproof.errors import UsageError
from meshproof.report.headline.headline import Headline
from meshproof.report.selfcheck.score import score_of

FILTER = """\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits}
spec: {workloadSelector: {labels: {app: helloworld}}, configPatches: []}
"""


@pytest.mark.long
def test_what_is_allowed_to_be_unproven_is_a_gap(place: Any) -> None:
    (place.mesh("spec") / "limits.yaml").write_text(FILTER)
    one = (
        "certify",
        "-f",
        "spec",
        *place.rates,
        "--allow-unproven",
        "EnvoyFilter",
        "--allowed-by",
        "R. Manager",
    )
    ended = place.run(*one, "-o", "json", "--output", "out", "--request", "GET http://helloworld:5000/hello")
    assert ended.code == 1, ended.err
    certificate = json.loads(ended.out)
    assert certificate == json.loads((place.here / "out" / "certificate.json").read_text())
    assert certificate["headline"] == "certified with gaps"
    assert [(gap["subject"], gap["allowedBy"]) for gap in certificate["gaps"]] == [
        ("EnvoyFilter default/limits", "--allow-unproven EnvoyFilter (R. Manager)"),
        ("folder", "--request (R. Manager)"),
    ]
    assert {file["file"] for file in certificate["sources"]["specified"]} == {
        f"spec/{name}.yaml" for name in ("helloworld", "limits", "route", "subsets")
    }
    assert certificate["sources"]["git"] is None
    assert certificate["reproduce"]["command"].startswith("meshproof certify -f manifests/verify/applied-0.yaml ")
    kept = certificate["reproduce"]["manifests"][0]
    assert (place.here / "out" / kept["file"]).stat().st_size == kept["bytes"]
    statement = json.loads((place.here / "out" / "certificate.statement.json").read_text())
    assert statement["predicate"]["result"] == "WARNED"
    assert "certified with gaps" in ended.err


@pytest.mark.parametrize(
    ("headline", "run", "accepted", "code"),
    [
        (Headline.CERTIFIED, 0, False, 0),
        (Headline.WITH_GAPS, 0, False, 1),
        (Headline.WITH_GAPS, 0, True, 0),
        (Headline.NOT, 0, True, 1),
        (Headline.NOT, 1, False, 1),
        (Headline.NOT, 2, False, 2),
        (Headline.NOT, 3, False, 3),
        (Headline.NOT, 5, False, 5),
    ],
)
def test_the_exit_code_follows_from_the_headline(headline: str, run: int, accepted: bool, code: int) -> None:
    assert exit_code(headline, run, accept_gaps=accepted) == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("canary", "-f", "spec"), "name either"),
        (("canary", "--allow-unproven", "EnvoyFilter"), "-f FILE"),
        (("--request", "GET http://a/"), "-f FILE"),
        (("--allowed-by", "me"), "-f FILE"),
        (("-f", "no-such-folder"), "no such file or folder"),
        (("nothing-of-this-name",), "no scenario"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], message: str) -> None:
    ended = CliRunner().invoke(group, ["certify", *words])
    assert message in str(ended.exception)


def test_the_score_of_a_self_check_of_these_manifests(tmp_path: Path) -> None:
    sources = (Digest("k8s/a.yaml", "a" * 64, 1), Digest("k8s/b.yaml", "b" * 64, 1))
    mutant = {"location": "k8s/a.yaml:3:1", "what": "weight 90 to 91", "status": "survived"}
    data: dict[str, Any] = {
        "schema_version": 2,
        "score": {"killed": 19, "of": 20, "found": 400},
        "options": {"seed": 7},
        "manifests": [{"file": f"elsewhere/{one.file}", "sha256": one.sha256, "size": 1} for one in sources],
        "mutants": [mutant, {**mutant, "status": "killed"}],
    }
    file = tmp_path / "selfcheck.json"

    def score(**changed: Any) -> Any:
        file.write_text(json.dumps({**data, **changed}))
        return score_of(file, sources)

    found = score()
    assert (found.killed, found.of, found.found, found.seed) == (19, 20, 400, 7)
    assert found.survived == ("k8s/a.yaml:3:1: weight 90 to 91",)
    with pytest.raises(UsageError, match=r"of other manifests than these \(k8s/b.yaml\)"):
        score(manifests=data["manifests"][:1])
    for wrong in ({"schema_version": 1}, {"manifests": None}, {"mutants": [1]}, {"score": {}}):
        with pytest.raises(UsageError, match=r"not the selfcheck\.json"):
            score(**wrong)
    for text in ("", "[" * 100_000, "[]", "\x00"):
        file.write_text(text)
        with pytest.raises(UsageError, match=r"not the selfcheck\.json"):
            score_of(file, sources)
    with pytest.raises(UsageError, match="cannot be read"):
        score_of(tmp_path, sources)
