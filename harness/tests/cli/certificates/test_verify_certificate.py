"""`--sign` and `meshproof verify-certificate`, of a run whose events are at hand: no mesh is started."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from meshproof.border.facts.provenance import Digest, Profile, Provenance, Sources
from meshproof.border.verdict import Outcome, Verdict
from meshproof.cli.certificates.certify import _Conclusion
from meshproof.cli.group import group
from meshproof.cli.options.signing import VARIABLES, signer_of
from meshproof.errors import UsageError
from meshproof.report.events import (
    CheckFinished,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.run_folder import RunFolder

KEYS = Path(__file__).parents[2] / "signing"
KEY, PUBLIC, PASSWORD = KEYS / "sigstore.key", KEYS / "sigstore.pub", "a test's password"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80}]}\n"


@dataclass(frozen=True)
class Run:
    """A run's folder, and the manifests that it was about."""

    folder: Path
    manifests: Path

    def verify(self, *words: str | Path) -> Result:
        return CliRunner().invoke(
            group,
            ["verify-certificate", str(self.folder / "certificate.yaml"), *map(str, words)],
            standalone_mode=False,
        )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    manifests = tmp_path / "k8s"
    manifests.mkdir()
    (manifests / "shop.yaml").write_text(SERVICE)
    digest = Digest("k8s/shop.yaml", hashlib.sha256(SERVICE.encode()).hexdigest(), len(SERVICE))
    folder = RunFolder(tmp_path / "run")
    for event in (
        RunStarted("r1", "2026-01-31T10:15:00Z", "embedded", {"meshproof": "0.1.0"}),
        ProvenanceFound(Provenance(Sources((digest,)), profiles=(Profile("folder", ("verify",)),))),
        ScenarioStarted("verify", ""),
        CheckFinished(Verdict("verify", "Split", Outcome.PASSED, "as it is", 10)),
        ScenarioFinished("verify", Outcome.PASSED, 1.0),
        RunFinished(Outcome.PASSED, 1.0, 0),
    ):
        folder.handle(event)
    folder.close()
    return Run(folder.path, manifests)


def test_signed_and_verified(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(VARIABLES[0], PASSWORD)
    assert _Conclusion("table", False, signer_of(KEY, None))(run.folder, 0) == 0
    shown = capsys.readouterr()
    assert "certified: 1 of 1 test passed (1 profile: folder)" in shown.out
    assert "signed by the key" in shown.err
    found = run.verify("--key", PUBLIC, "-f", run.manifests)
    assert found.return_value == 0, found.output
    assert "says: certified" in found.output
    assert "WRONG" not in found.output
    assert found.output.endswith("this is what the owner of the key issued\n")
    data = json.loads(run.verify("--key", PUBLIC, "-o", "json").output)
    assert (data["headline"], data["holds"]) == ("certified", True)
    assert {one["what"] for one in data["findings"]} >= {"signature", "events.ndjson"}
    whole = CliRunner().invoke(group, ["verify-certificate", str(run.folder)], standalone_mode=False)
    assert whole.return_value == 0, whole.output


def test_other_manifests_and_no_signature_are_wrong(run: Run) -> None:
    unsigned = run.verify("-f", run.manifests)
    assert unsigned.return_value == 0
    assert unsigned.output.endswith("no edit shows; who issued it, only a signature checked by --key can show\n")
    assert run.verify("--key", PUBLIC).return_value == 1
    (run.manifests / "shop.yaml").write_text(SERVICE.replace("80", "81"))
    found = run.verify("-f", run.manifests)
    assert found.return_value == 1
    assert "changed: shop.yaml" in found.output
    assert "this is not what was issued: wrong is 1 of 4 findings" in found.output


def test_what_says_not_certified_does_not_pass(run: Run) -> None:
    """A gate that looks at the exit code alone must not be opened by a true certificate of a failure."""
    events = run.folder / "events.ndjson"
    events.write_text(events.read_text().replace('"outcome":"passed"', '"outcome":"failed"'))
    rebuilt = CliRunner().invoke(group, ["report", str(run.folder)], standalone_mode=False)
    assert rebuilt.return_value == 0
    found = run.verify()
    assert found.return_value == 1
    assert "says: not certified" in found.output
    assert "WRONG" not in found.output


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_password_from_the_environment_or_a_file(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=f"set {VARIABLES[0]}"):
        signer_of(KEY, None)
    monkeypatch.setenv(variable, PASSWORD)
    assert signer_of(KEY, None)
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(UsageError, match="password is wrong"):
        signer_of(KEY, None)
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    assert signer_of(KEY, file)
    with pytest.raises(UsageError, match="cannot be read"):
        signer_of(KEY, tmp_path)
    with pytest.raises(UsageError, match="is for --sign"):
        signer_of(None, file)


def test_a_key_that_cannot_be_used_is_told_before_anything_is_read(tmp_path: Path) -> None:
    ended = CliRunner().invoke(group, ["certify", "-f", "no-such-folder", "--sign", str(PUBLIC)])
    assert "no private key that can be used" in str(ended.exception)
    ended = CliRunner().invoke(group, ["certify", "-f", "no-such-folder", "--sign", str(tmp_path / "release.pem")])
    assert f"openssl genpkey -algorithm ed25519 -out {tmp_path}/release.pem makes one" in str(ended.exception)


def test_a_file_that_is_no_text_is_held_against_the_certificate_as_any_other(run: Run) -> None:
    (run.manifests / "latin.yaml").write_bytes(b"# by M\xfcller\n")
    result = run.verify("-f", run.manifests)
    assert (result.exception, result.return_value) == (None, 1)
    assert "not certified: latin.yaml" in result.output
