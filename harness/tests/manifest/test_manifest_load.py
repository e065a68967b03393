"""Files, folders and standard input to resources; what is wrong is named where it stands."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from meshproof.errors import ManifestError, UsageError
from meshproof.manifest import load, merge
from meshproof.manifest.resource import AGAIN
from meshproof.manifest.source import beneath

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec:
  selector: {app: greeter}
  ports:
  - {name: http, port: 5000}
"""
ROUTE = """\
apiVersion: networking.istio.io/VERSION
kind: VirtualService
metadata:
  name: greeter
spec:
  hosts: [greeter]
  http:
  - route:
    - destination: {host: greeter, subset: v1}
      weight: 90
    - destination: {host: greeter, subset: v2}
      weight: 10
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: greeter}\n"


def read(text: str, **options: str):
    return load(["-"], stdin=io.StringIO(text), **options)


def problems(text: str):
    with pytest.raises(ManifestError) as caught:
        read(text)
    return caught.value.problems


def test_files_folders_and_stdin(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(SERVICE)
    (tmp_path / "a.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}))
    (tmp_path / "notes.txt").write_text("{ not yaml")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.yaml").write_text("{ not yaml")
    found = load([str(tmp_path), "-"], stdin=io.StringIO(ROUTE.replace("VERSION", "v1")), namespace="shop")
    assert [str(one) for one in found.resources] == [
        "Namespace /x",
        "Service shop/greeter",
        "VirtualService shop/greeter",
    ]
    assert found.resources[1].location.file.endswith("b.yaml")
    assert str(found.resources[2].location) == "<stdin>:1:1"


@pytest.mark.parametrize("version", ["v1alpha3", "v1beta1", "v1"])
def test_istio_versions(version: str) -> None:
    resource = read(ROUTE.replace("VERSION", version)).resources[0]
    weight = resource.body.need("spec").list("http")[0].list("route")[1].need("weight")
    assert (weight.whole(), str(weight.location)) == (10, "<stdin>:12:15")


def test_other_version_names_the_accepted() -> None:
    (problem,) = problems(ROUTE.replace("VERSION", "v2"))
    assert (problem.location.line, problem.location.column) == (1, 13)
    assert "networking.istio.io/v1alpha3" in problem.hint


def test_a_misspelt_kind_names_the_one_that_was_meant() -> None:
    (problem,) = problems(ROUTE.replace("VERSION", "v1").replace("VirtualService", "VirtualServce"))
    assert (problem.location.line, problem.location.column) == (2, 7)
    assert problem.message == "networking.istio.io/v1 has no kind VirtualServce"
    assert problem.hint == "did you mean VirtualService?"
    # These are kinds of their own, however alike.
    others = "".join(f"---\napiVersion: {one}\n" for one in ("v1\nkind: ServiceAccount", "v1\nkind: ServiceTopology"))
    assert len(read(SERVICE + others).notices) == 2


def test_lists_and_documents_and_notices() -> None:
    listed = "kind: List\napiVersion: v1\nitems:\n" + "".join(
        "- " + text.replace("\n", "\n  ").rstrip() + "\n" for text in (SERVICE, ACCOUNT)
    )
    found = read(f"---\n# nothing here\n---\n{listed}---\n{ROUTE.replace('VERSION', 'v1')}")
    assert [one.kind for one in found.resources] == ["Service", "VirtualService"]
    (notice,) = found.notices
    assert "ServiceAccount" in notice.message
    assert notice.location.line == 14


def test_gateway_api_is_another_gateway() -> None:
    other = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {listeners: []}\n"
    found = read(f"{SERVICE}---\n{other}")
    assert [(one.kind, one.api_version) for one in found.resources] == [
        ("Service", "v1"),
        ("Gateway", "gateway.networking.k8s.io/v1"),
    ]
    (problem,) = problems(other.replace("listeners", "servers"))
    assert "has no field 'servers'" in problem.message
    (problem,) = problems(other.replace("/v1", "/v1alpha2"))
    assert "Gateway is not known as gateway.networking.k8s.io/v1alpha2" in problem.message


def test_same_name_twice_names_both_places() -> None:
    (problem,) = problems(f"{SERVICE}---\n{SERVICE.replace('5000', '80')}")
    assert problem.location.line == 9
    assert "<stdin>:1:1" in problem.message
    assert (
        len(read(f"{SERVICE}---\n{SERVICE.replace('name: greeter}', 'name: greeter, namespace: b}')}").resources) == 2
    )


def test_the_same_object_again_counts_once_and_is_told() -> None:
    found = read(f"{SERVICE}---\n# again\n{SERVICE}")
    assert len(found.resources) == 1
    (told,) = found.notices
    assert (told.location.line, told.topic) == (10, AGAIN)
    assert "<stdin>:1:1" in told.message


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message", "hint"),
    [
        ("weight: 90", "weight: ten", 10, 15, "weight must be a whole number, not 'ten'", "digits"),
        ("weight: 90", "weight: '90'", 10, 15, "weight must be a whole number, not '90'", "quotes"),
        ("weight: 90", "weight: yes", 10, 15, "weight must be a whole number, not yes", "digits"),
        ("weight: 90", "weigth: 90", 10, 7, "has no field 'weigth'", "weight"),
        ("weight: 90", "weight: 90\n      weight: 80", 11, 7, "weight is given twice, first in line 10", "keep one"),
        ("hosts: [greeter]", "hosts: greeter", 6, 10, "hosts must be a list, not 'greeter'", "- "),
        ("hosts: [greeter]", "hosts: [5]", 6, 11, "hosts[0] must be text, not 5", "quotes"),
        ("  http:", "  timeout: 1s\n  http:", 7, 3, "spec has no field 'timeout'", "hosts"),
        ("  - route", "  - timeout: 5\n    route", 8, 14, "timeout must be a duration, not 5", "1.5s"),
        ("  - route", "  - mirror_percentage: {}\n    route", 8, 5, "no field 'mirror_percentage'", "mirrorPercentage"),
        ("kind: VirtualService", "kind: !!python/object/apply:os.system [id]", 2, 7, "tag", "plainly"),
        ("name: greeter", "name: !secret greeter", 4, 9, "tag", "plainly"),
        ("  hosts: [greeter]", "\thosts: [greeter]", 6, 1, "not YAML", "takes no tabs there"),
        ("hosts: [greeter]", "hosts: [greeter", 7, 7, "not YAML", ""),
        ("hosts: [greeter]", "hosts: *nobody", 6, 10, "alias", ""),
        ("hosts: [greeter]", "hosts: &me [*me]", 6, 15, "alias", ""),
        ("hosts: [greeter]", "hosts: [gree\0ter]", 6, 15, "U+0000", "text file"),
        ("metadata:\n  name: greeter", "metadata: {}", 3, 11, "metadata has no name", "name"),
        ("kind: VirtualService", "", 1, 1, "no kind", "apiVersion"),
    ],
)
def test_errors_stand_where_the_fault_is(old: str, new: str, line: int, column: int, message: str, hint: str) -> None:
    problem = problems(ROUTE.replace("VERSION", "v1").replace(old, new, 1))[0]
    assert (problem.location.line, problem.location.column) == (line, column), str(problem)
    assert message in problem.message
    assert hint in problem.hint


def test_several_problems_at_once() -> None:
    text = ROUTE.replace("VERSION", "v1").replace("90", "ninety").replace("subset: v2", "subsets: v2")
    assert [
        problem.location.line for problem in problems(f"{text}---\n{SERVICE}---\n{SERVICE.replace('5000', '80')}")
    ] == [10, 11, 22]


def test_not_utf8_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(SERVICE.replace("greeter", "grüßer", 1).encode("latin-1"))
    with pytest.raises(ManifestError, match=r"latin\.yaml:3:20: not UTF-8: byte 0xfc"):
        load([str(file)])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("# by Müller\n".encode("latin-1") + ROUTE.encode(), "1:7: not UTF-8"),
        (ROUTE.encode("utf-16"), "1:1: not UTF-8"),
        (b"# \x01\n" + ROUTE.encode(), "1:3: the character U\\+0001"),
    ],
)
@pytest.mark.parametrize("choose", [None, lambda several: several])
def test_a_file_that_is_no_text_costs_what_it_names_alone(tmp_path: Path, data: bytes, why: str, choose) -> None:
    (tmp_path / "good.yaml").write_text(SERVICE)
    (tmp_path / "bad.yaml").write_bytes(data)
    found = load([str(tmp_path)], strict=False, choose=choose)
    assert [str(one) for one in found.resources] == ["Service default/greeter"]
    assert [len(one.problems) for one in found.refusals] == [1]
    assert "greeter" in found.refusals[0].words
    with pytest.raises(ManifestError, match=rf"bad\.yaml:{why}"):
        load([str(tmp_path)], choose=choose)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n", ACCOUNT, "just text", "- a\n- b\n"])
def test_nothing_to_read_is_an_error(text: str) -> None:
    assert problems(text)


def test_what_runs_have_left_beside_manifests_is_neither_told_nor_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SERVICE)
    for kept in ("meshproof-runs/20260131T101500Z-9f2c4e/manifests", "out/manifests"):
        (tmp_path / kept).mkdir(parents=True)
        (tmp_path / kept / "a.yaml").write_text(SERVICE)
    (tmp_path / "meshproof-runs/.gitignore").write_text("*\n")
    (tmp_path / "out/events.ndjson").write_text("")
    assert load([str(tmp_path)], strict=True).notices == ()
    assert beneath([str(tmp_path)]) == (str(tmp_path / "a.yaml"),)


def test_empty_folder_and_missing_path(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    with pytest.raises(ManifestError, match="subfolders are not searched"):
        load([str(tmp_path)])
    with pytest.raises(UsageError, match="no such file or folder"):
        load([str(tmp_path / "absent")])


def test_anchors_and_merge_keys_are_plain_yaml() -> None:
    text = ROUTE.replace("VERSION", "v1").replace("{host: greeter, subset: v1}", "&one {host: greeter, subset: v1}")
    text = text.replace("{host: greeter, subset: v2}", "{<<: *one, subset: v2}")
    second = read(text).resources[0].body.need("spec").list("http")[0].list("route")[1].need("destination")
    assert (second.need("host").text(), second.need("subset").text()) == ("greeter", "v2")


def test_what_has_no_part_in_a_verdict_may_be_anything() -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, creationTimestamp: null, finalizers: [x]}
spec:
  strategy: {type: Recreate}
  template:
    spec:
      volumes: [{name: v, emptyDir: {}}]
      containers: [{name: c, resources: {limits: {cpu: 100m}}, env: [{name: A, value: b}]}]
status: {}
"""
    assert read(text).resources[0].name == "a"
    (problem,) = problems(text.replace("resources:", "resource:"))
    assert "did you mean resources?" in problem.hint


def test_merge_replaces_by_identity() -> None:
    base = read(f"{SERVICE}---\n{ROUTE.replace('VERSION', 'v1')}---\n{ACCOUNT}")
    changed = read(ROUTE.replace("VERSION", "v1beta1") + f"---\n{SERVICE.replace('greeter}', 'other}', 1)}")
    merged = merge(base, changed)
    assert [str(one) for one in merged.resources] == [
        "Service default/greeter",
        "VirtualService default/greeter",
        "Service default/other",
    ]
    assert merged.resources[1].api_version.endswith("v1beta1")
    assert merged.notices == base.notices


def test_how_far_a_large_folder_has_been_read_is_told(tmp_path: Path) -> None:
    one = "apiVersion: v1\nkind: Namespace\nmetadata: {{name: n{}}}\n"
    (tmp_path / "all.yaml").write_text("---\n".join(one.format(number) for number in range(4_500)))
    told: list[int] = []
    load([str(tmp_path)], progress=told.append)
    assert told == [2_000, 4_000]
    (tmp_path / "all.yaml").write_text(one.format(0))
    load([str(tmp_path)], progress=told.append)
    assert told == [2_000, 4_000]
