"""The folder that a run leaves: private, and enough to repeat the run."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

PASSWORD = "correct horse battery staple"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: tls
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"stringData": {{"key": "{PASSWORD}"}}}}'
type: Opaque
data:
  key: {base64.b64encode(PASSWORD.encode()).decode()}
stringData:
  other: {PASSWORD}
"""


@pytest.fixture(scope="module")
def drifted(places: Any) -> Any:
    """A run that failed: another split was applied than the one that was specified, and a Secret with it."""
    place = places("drifted")
    place.mesh("spec")
    (place.mesh("applied", 50, 50) / "secret.yaml").write_text(SECRET)
    assert place.run(*place.verify, "--applied", "applied", "--output", "out").code == 1
    return place


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_kept_of_a_failed_run(drifted: Any) -> None:
    out = drifted.here / "out"
    # How many processes were started, each with a log, depends on which were still in use.
    assert {name for name in contents(out) if not name.endswith(".log")} == {
        "bundle.tar.gz",
        "certificate.json",
        "certificate.statement.json",
        "certificate.yaml",
        "events.ndjson",
        "junit.xml",
        "manifests/boundaries/applied-0.yaml",
        "manifests/boundaries/specified-0.yaml",
        "manifests/resilience/applied-0.yaml",
        "manifests/resilience/specified-0.yaml",
        "manifests/verify/applied-0.yaml",
        "manifests/verify/specified-0.yaml",
        "proxies/boundaries-2-sidecar/config_dump.json",
        "proxies/boundaries-2-sidecar/stats.json",
        "proxies/verify-1-sidecar/config_dump.json",
        "proxies/verify-1-sidecar/stats.json",
        "report.html",
        "report.json",
    }
    assert mode(out) == 0o700
    assert {mode(path) for path in out.iterdir() if path.is_file()} == {0o600}
    dump = (out / "proxies" / "verify-1-sidecar" / "config_dump.json").read_text()
    assert "helloworld.default.svc.cluster.local" in dump


def test_the_manifests_are_kept_as_given_but_for_secrets(drifted: Any) -> None:
    kept = drifted.here / "out" / "manifests" / "verify"
    applied = {one["kind"]: one for one in yaml.safe_load_all((kept / "applied-0.yaml").read_text())}
    specified = {one["kind"]: one for one in yaml.safe_load_all((kept / "specified-0.yaml").read_text())}
    assert applied["VirtualService"] == yaml.safe_load((drifted.here / "applied" / "route.yaml").read_text())
    assert specified["VirtualService"] == yaml.safe_load((drifted.here / "spec" / "route.yaml").read_text())
    assert applied["Secret"]["data"] == {"key": "[redacted]"}
    encoded = base64.b64encode(PASSWORD.encode())
    for name, text in contents(drifted.here / "out").items():
        assert PASSWORD.encode() not in text, name
        assert encoded not in text, name


def test_what_was_kept_is_a_specification_again(drifted: Any) -> None:
    ended = drifted.run(
        "verify", "-f", drifted.here / "out" / "manifests" / "verify" / "specified-0.yaml", *drifted.rates
    )
    assert ended.code == 0, ended.err


def test_the_reports_made_again_are_the_same(drifted: Any) -> None:
    before = contents(drifted.here / "out")
    for name in ("report.html", "report.json", "junit.xml"):
        (drifted.here / "out" / name).unlink()
    ended = drifted.run("report", "out")
    assert (ended.code, ended.out, ended.err) == (0, "out/report.html\n", "")
    assert contents(drifted.here / "out") == before


def test_a_folder_without_a_run_has_no_report(place: Any) -> None:
    ended = place.run("report", ".")
    assert ended.code == 4
    assert ended.out == ""
    assert "events.ndjson: cannot read the events of a run" in ended.err


def test_each_stage_of_a_ramp_is_kept_and_a_conforming_run_keeps_no_dumps(place: Any) -> None:
    running = place.start("run", "CanaryRamp", *place.rates)
    assert running.end().code == 0
    kept = running.output / "manifests" / "CanaryRamp"
    assert sorted(file.name for file in kept.iterdir()) == [f"applied-{number}.yaml" for number in range(4)]
    assert not (running.output / "proxies").exists()
    report = json.loads((running.output / "report.json").read_text())
    assert sorted({check["stage"] for check in report["checks"]}) == [0, 1, 2, 3]
