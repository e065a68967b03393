"""What a run keeps of its manifests, and the command that repeats it."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.verdict import Precision
from meshproof.manifest import Resource, Value, load
from meshproof.manifest.compose import compose
from meshproof.manifest.written import dump
from meshproof.mesh.build.assemble import build
from meshproof.run.discover import scenarios
from meshproof.run.keep import Known, files, keep_manifests, kept_alike
from meshproof.run.prepare import Prepared, prepare
from meshproof.run.reproduce import command
from meshproof.run.verification.verification import prepare_verification

ROUTING = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, annotations: {note: 'on'}}
spec:
  hosts: [shop]
  http:
  - route: [{destination: {host: shop}}]
    headers: {request: {set: {x-flag: 'y', x-number: '1e3', x-octal: '0o7', x-date: '2024-01-02', x-merge: '<<'}}}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: other}
spec: {workloadSelector: {labels: {app: other}}}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, annotations: {before: 'all of it'}}
stringData: {tls.crt: CONTENT}
"""
VARIABLES = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, annotations: {kubectl.kubernetes.io/last-applied-configuration: 'all of it', kept: 'so'}}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: c
        image: example/shop
        env: [{name: TOKEN_OF_SHOP, value: HUNTER2}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
"""
WORDS = [
    *(
        "y",
        "Y",
        "n",
        "on",
        "Off",
        "yes",
        "NO",
        "true",
        "null",
        "~",
        "",
        "1e3",
        "0o7",
        "017",
        "08",
        "1_0",
        "0b1",
        "0x1F",
    ),
    *(".5", "+1", ".inf", ".NaN", "2024-01-02", "12:30:45", "<<", "=", "- a", "a: b", "#", "*a", "&a", "!x", "%", "@"),
    *("1.0", "1e+06", "{}", "[]", "|", ">", "---", "...", "? a", "'", '"', " a", "a ", "a\nb", "\t", "é", "🙂", "\x85"),
]
TEXT = st.one_of(st.sampled_from(WORDS), st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12))
DATA = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


def plain(value: Value) -> object:
    if isinstance(value.data, dict):
        return {name: plain(child) for name, child in value.data.items()}
    return [plain(child) for child in value.data] if isinstance(value.data, tuple) else value.data


@settings(max_examples=150)
@given(st.dictionaries(TEXT, DATA, max_size=5))
def test_what_is_written_is_read_again_as_it_was(data: dict[str, object]) -> None:
    (body,) = compose(f"---\n{dump(data)}", "kept.yaml")
    assert plain(body) == data


@pytest.mark.parametrize("word", WORDS)
def test_other_readers_take_the_same_for_text(word: str) -> None:
    assert yaml.safe_load(dump({"a": word, "b": {word: 1}})) == {"a": word, "b": {word: 1}}


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    (tmp_path / "shop.yaml").write_text(ROUTING)
    found = prepare_verification([str(tmp_path)], [], (), Precision())
    assert found.samples is not None
    return found.samples


def read(file: Path) -> dict[str, Resource]:
    found = load(["-"], stdin=io.StringIO(file.read_text()), strict=False)
    return {one.kind: one for one in (*found.resources, *found.foreign)}


def test_all_that_decides_is_kept_and_no_content_of_a_secret(prepared: Prepared, tmp_path: Path) -> None:
    keep_manifests(tmp_path / "run", prepared)
    applied, specified = files(prepared)
    assert applied == specified == "manifests/verify/applied-0.yaml"
    kept = read(tmp_path / "run" / applied)
    assert set(kept) == {"VirtualService", "EnvoyFilter", "Secret"}, "what stands in is made again"
    route = kept["VirtualService"].body.need("spec").list("http")[0]
    headers = route.need("headers").need("request").need("set").fields()
    assert [one.text() for one in headers.values()] == ["y", "1e3", "0o7", "2024-01-02", "<<"]
    text = (tmp_path / "run" / applied).read_text()
    assert "CONTENT" not in text
    assert "all of it" not in text


@pytest.mark.parametrize("more", ["", "---\napiVersion: v1\nkind: Service\nmetadata: {name: far}\nspec: {port: 80}\n"])
def test_what_another_scenario_has_kept_is_kept_as_if_it_were_written_anew(tmp_path: Path, more: str) -> None:
    (tmp_path / "shop.yaml").write_text(ROUTING + more)
    several = [one for one in prepare_verification([str(tmp_path)], [], (), Precision()).driven if one]
    assert len(several) > 1
    known: Known = {}
    for one in several:
        copied = keep_manifests(tmp_path / "run", one, (), known)
        assert copied == keep_manifests(tmp_path / "anew", one)
        name = files(one)[0]
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "anew" / name).read_bytes()
        assert (tmp_path / "run" / name).stat().st_mode & 0o777 == 0o600
    assert bool(known) == (not more)


def test_variables_are_kept_without_their_values_and_no_annotation_repeats_the_whole(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(VARIABLES)
    found = prepare_verification([str(tmp_path)], [], (), Precision()).driven[0]
    keep_manifests(tmp_path / "run", found)
    text = (tmp_path / "run" / files(found)[0]).read_text()
    assert "HUNTER2" not in text
    assert "all of it" not in text
    for kept in ("name: TOKEN_OF_SHOP", "fieldPath: metadata.name", "kept: so"):
        assert kept in text


def test_what_was_kept_is_verified_again(prepared: Prepared, tmp_path: Path) -> None:
    keep_manifests(tmp_path / "run", prepared)
    again = prepare_verification([str(tmp_path / "run" / files(prepared)[0])], [], (), Precision())
    assert [str(one.subject) for one in again.coverage.dependences] == ["EnvoyFilter default/other"]
    assert again.samples is not None
    assert [str(one) for one in again.samples.load.requests] == [str(one) for one in prepared.load.requests]


def test_the_command_repeats_a_verification_in_its_own_folder(prepared: Prepared) -> None:
    given = ["verify", "-f", "k8s", "--filename=more", "--applied", "live", "-fthird", "--output", "out", "-n", "shop"]
    kept = "manifests/verify/applied-0.yaml"
    assert command(given, [prepared]) == ("meshproof", "verify", "-f", kept, "-n", "shop")
    for deep in (["-R", "-f", "k8s"], ["-Rf", "k8s"], ["-f", "k8s", "--recursive"]):
        assert command(["verify", *deep], [prepared]) == ("meshproof", "verify", "-f", kept)
    with_request = ["verify", "-f", "-", "--request", "GET http://shop/ x:--output", "--output=out", "-o", "json"]
    assert command(with_request, [prepared])[4:] == ("--request", "GET http://shop/ x:--output", "-o", "json")


def test_the_command_names_what_was_specified_apart_and_other_files_in_full(prepared: Prepared) -> None:
    (stage,) = prepared.stages
    drifted = replace(prepared, stages=(replace(stage, wanted=build(stage.specified[:1])),))
    found = command(["verify", "-f", "a", "--cacert", "ca.pem", "--cert=own.pem"], [drifted])
    folder = "manifests/verify"
    assert found[2:6] == ("-f", f"{folder}/specified-0.yaml", "--applied", f"{folder}/applied-0.yaml")
    assert found[6:] == ("--cacert", str(Path.cwd() / "ca.pem"), "--cert", str(Path.cwd() / "own.pem"))


def test_the_command_names_manifests_in_full_where_none_were_kept() -> None:
    here = Path.cwd()
    found = command(["verify", "-Rfk8s", "--filename=more", "--applied", "live", "-f", "-", "-n", "shop"], [])
    full = ("-R", "-f", f"{here / 'k8s'}", "--filename", f"{here / 'more'}", "--applied", f"{here / 'live'}", "-f", "-")
    assert found == ("meshproof", "verify", *full, "-n", "shop")


def test_the_command_of_intents_names_them_in_full(prepared: Prepared) -> None:
    found = command(["test", "-f", "k8s", "-t", "intents.yaml", "--output", "out"], [prepared])
    assert found == ("meshproof", "test", "-f", files(prepared)[0], "-t", str(Path("intents.yaml").absolute()))


def test_the_command_repeats_a_certification_without_its_signature(prepared: Prepared) -> None:
    given = ["certify", "-f", "k8s", "--sign", "key.pem", "--key-password-file=secret", "--accept-gaps"]
    kept = "manifests/verify/applied-0.yaml"
    assert command(given, [prepared]) == ("meshproof", "certify", "-f", kept, "--accept-gaps")
    assert command(["certify", "canary", "--sign=key.pem"], [prepared]) == ("meshproof", "certify", "canary")


def test_what_was_replayed_is_replayed_from_its_own_folder(prepared: Prepared) -> None:
    assert command(["replay", "/tmp/bundle.tar.gz", "-o", "json"], [prepared]) == ("meshproof", "replay", ".")


def test_other_commands_only_lose_their_folder(prepared: Prepared) -> None:
    assert command(["run", "CanarySplit", "--output", "out"], [prepared]) == ("meshproof", "run", "CanarySplit")
    assert command([], []) == ("meshproof",)


def test_a_built_in_scenario_is_known_by_what_it_kept_wherever_it_stands(tmp_path: Path) -> None:
    canary = next(one for one in scenarios() if one.scenario.name == "CanarySplit")
    prepared = prepare(canary.scenario, canary.folder, Precision())
    moved = shutil.copytree(canary.folder, tmp_path / "canary")
    (kept,) = keep_manifests(tmp_path, prepare(canary.scenario, moved, Precision()))
    data = (tmp_path / kept.specified.file).read_bytes()
    assert str(tmp_path).encode() in data
    assert kept_alike(prepared, data)
    assert not kept_alike(prepared, data.replace(b"weight: 90", b"weight: 80"))
