"""Whole folders: what is right has no finding, and one bad document costs itself alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import MeshproofError
from meshproof.lint.check import Finding
from meshproof.lint.lint import lint
from meshproof.suite import folder

ROOT = Path(__file__).parents[3]
Look = Callable[..., tuple[Finding, ...]]
GOOD = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: stars}\nspec:\n  selector: {app: stars}\n  ports: [{port: 80}]\n"
)
BAD = (
    "kind: [unclosed\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: BAD NAME}\nspec: {ports: [{port: http}]}\n",
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: 7, http: [3]}\n",
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: [1, 2]\n",
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: {workloadSelector: {labels: [x]}}\n",
    "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: a}\nstatus: {parents: {a: 1}}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {securityContext: 5, containers: 7}\n",
    "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: a}\nspec: {selector: 4}\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: 4}\n",
    "- a\n- list\n",
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: [1], ports: [{}]}\n",
)


def test_the_shop_has_no_finding() -> None:
    assert lint([str(ROOT / "examples/shop")]).findings == ()


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_document_costs_itself_alone(bad: str, first: bool, found: Look) -> None:
    text = "---\n".join([bad, GOOD] if first else [GOOD, bad])
    lines = text.splitlines()
    several = found(text)
    assert "MP090" in [one.code for one in several]
    assert all(1 <= one.location.line <= len(lines) + 1 for one in several)


def test_a_file_that_is_no_text_costs_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_bytes(b"a: \xff\n")
    found = lint([str(tmp_path)]).findings
    assert [(Path(one.location.file).name, one.code) for one in found] == [("a.yaml", "MP090"), ("b.yaml", "MP001")]
    (tmp_path / "a.yaml").unlink()
    with pytest.raises(MeshproofError, match="not UTF-8"):
        lint([str(tmp_path)])


def test_what_holds_nothing_to_read_is_refused() -> None:
    for text in ("", "just text", "kind: [unclosed"):
        with pytest.raises(MeshproofError):
            lint(["-"], stdin=io.StringIO(text))


FIELDS = st.sampled_from(
    ["hosts", "http", "match", "route", "spec", "metadata", "name", "labels", "selector", "ports", "tls"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 90000) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=12,
)
KINDS = st.sampled_from(
    [
        *(
            ("networking.istio.io/v1", kind)
            for kind in ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry")
        ),
        *(("networking.istio.io/v1", "Sidecar"), ("gateway.networking.k8s.io/v1", "HTTPRoute"), ("v1", "Service")),
        *(
            ("v1", "Pod"),
            ("apps/v1", "Deployment"),
            ("v1", "Secret"),
            ("security.istio.io/v1", "RequestAuthentication"),
        ),
    ]
)


@settings(max_examples=40)
@given(KINDS, st.dictionaries(FIELDS, VALUES, max_size=5), VALUES)
def test_no_value_of_a_field_is_a_traceback(kind: tuple[str, str], spec: dict[str, object], status: object) -> None:
    import json

    body = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "a"}, "spec": spec, "status": status}
    found = lint(["-"], stdin=io.StringIO(f"{GOOD}---\n{json.dumps(body)}\n")).findings
    assert "MP090" in [one.code for one in found]


def test_the_fix_of_a_template_is_a_command_that_can_be_pasted(found: Look) -> None:
    (one,) = [each for each in found(f"{GOOD}---\nkind: {{{{ .Values.kind }}}}\n") if each.code == "MP001"]
    assert one.fix == "Render it first: `helm template DIR | meshproof verify -f -`."


def test_the_scenarios_have_no_finding_but_what_they_show() -> None:
    """Each file of a scenario beside its workloads: none is told to be surely wrong."""
    wrong = []
    for name in ("canary", "consistent_hash", "tcp"):
        base = [one for one in sorted((folder("scenarios") / name).glob("*.yaml")) if "weight" not in one.name]
        wrong += [one for one in lint([str(path) for path in base]).findings if one.severity.rank < 2]
    assert wrong == []
