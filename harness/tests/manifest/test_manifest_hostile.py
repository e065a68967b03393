"""Whatever bytes come: a ManifestError or resources, soon, and no more memory than a limit allows."""

from __future__ import annotations

import gc
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import ManifestError, Problem
from meshproof.manifest import Value, compose, load, source
from meshproof.manifest.compose import DEEPEST
from meshproof.manifest.scalar import resolve
from meshproof.manifest.source import LARGEST_FILE


def refused(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        load(["-"], stdin=io.StringIO(text))
    return str(caught.value)


def test_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "aliases stand for more than" in refused("\n".join(lines))


def test_merge_key_bomb() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{k{n}: [*a{n - 1}, *a{n - 1}], <<: *a{n - 1}}}" for n in range(1, 40)]
    assert "aliases stand for more than" in refused("\n".join(lines))


def test_aliases_add_no_depth_beyond_the_limit() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200)]
    assert f"nested more than {DEEPEST} deep" in refused("\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000])
def test_depth(text: str) -> None:
    assert refused(text)


def test_as_many_documents_as_a_file_holds() -> None:
    account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {ports: [{port: 80}]}\n"
    text = account * 3000 + "".join(service % number for number in range(3000))
    found = load(["-"], stdin=io.StringIO(text))
    assert len(found.resources) == 3000
    assert found.notices[0].message.endswith("so it is with 2999 more, up to <stdin>:11998:1")


@pytest.mark.long
def test_as_many_values_as_a_file_holds() -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}], externalIPs: [%s]}\n"
    (one,) = load(["-"], stdin=io.StringIO(text % ("a," * 500_000))).resources
    assert len(one.body.need("spec").list("externalIPs")) == 500_000


def test_absurd_size(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    with file.open("wb") as opened:
        opened.truncate(LARGEST_FILE + 1)
    with pytest.raises(ManifestError, match="larger than 64 MB"):
        load([str(file)])


def test_absurd_size_of_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_TEXT", 1000)
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n"
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(text % name + "#" * 400)
    assert len(load([str(tmp_path)]).resources) == 2
    (tmp_path / "c.yaml").write_text("#" * 200)
    with pytest.raises(ManifestError, match=r"c\.yaml:1:1: with this file the manifests are more than"):
        load([str(tmp_path)])


def test_the_collector_is_as_it_was_before() -> None:
    for before in (gc.disable, gc.enable):
        before()
        try:
            was = gc.isenabled()
            refused("a: 1\n")
            assert gc.isenabled() is was
        finally:
            gc.enable()


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system", "!!python/name:os.system", "!!binary", "!!set", "!!timestamp", "!Ref"],
)
def test_tags_build_nothing(tag: str) -> None:
    resource = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {b: %s x}}\nspec: {ports: [{port: 1}]}\n"
    )
    assert "is not known to Kubernetes" in refused(resource % tag)


def test_a_huge_number_is_text() -> None:
    assert resolve("9" * 5000) == "9" * 5000


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_arbitrary_bytes(data: bytes) -> None:
    with pytest.raises(ManifestError):
        load(["-"], stdin=io.TextIOWrapper(io.BytesIO(data)))


WORDS = ["apiVersion", "kind", "metadata", "name", "spec", "http", "v1", "Service", *"-:{}[]&*!|>"]
SPACES = [" ", "\n", "  ", "networking.istio.io/v1", "<<", "&a", "*a"]


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS + SPACES), max_size=60))
def test_arbitrary_fragments(words: list[str]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        load(["-"], stdin=io.StringIO("".join(words)))
    except ManifestError as error:
        problems = error.problems
    assert all(problem.location.line >= 1 and problem.location.column >= 1 for problem in problems)


DATA = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.text(st.characters(codec="ascii"), max_size=12)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,6}", fullmatch=True), inner, max_size=4),
    ),
    max_leaves=20,
)


def walk(value: Value) -> Iterator[Value]:
    yield value
    children = value.data.values() if isinstance(value.data, dict) else value.data
    for child in children if isinstance(value.data, dict | tuple) else ():
        yield from walk(child)


def plain(value: Value) -> object:
    if isinstance(value.data, dict):
        return {name: plain(child) for name, child in value.data.items()}
    return [plain(child) for child in value.data] if isinstance(value.data, tuple) else value.data


class Quoting(yaml.SafeDumper):
    """Writes text in quotes: PyYAML and Kubernetes disagree on which plain words are text (`n`, `08`, `1e3`)."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=chr(34)))


@settings(max_examples=100)
@given(DATA.filter(lambda data: data is not None), st.booleans(), st.sampled_from([None, chr(34)]))
def test_composed_data_is_what_was_written(data: object, flow: bool, style: str | None) -> None:
    text = yaml.dump(data, Dumper=Quoting, default_flow_style=flow, default_style=style)
    (document,) = compose.compose(text, "f")
    assert plain(document) == data


@settings(max_examples=100)
@given(DATA.filter(lambda data: isinstance(data, dict | list)), st.sampled_from([True, False]))
def test_locations_point_at_the_text(data: object, flow: bool) -> None:
    text = yaml.dump(data, Dumper=Quoting, default_flow_style=flow, width=10**6)
    lines = text.split("\n")
    for document in compose.compose(text, "f"):
        for value in walk(document):
            rest = lines[value.location.line - 1][value.location.column - 1 :]
            if value.key:
                assert lines[value.key.line - 1][value.key.column - 1 :].lstrip("'\"").startswith(value.name)
            if not isinstance(value.data, dict | tuple) and re.fullmatch(r"[\w]+", value.text_form):
                assert rest.lstrip("'\"").startswith(value.text_form)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"),
        ("0o17", 15),
        ("017", 15),
        ("08", 8.0),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("yes", True),
        ("Off", False),
        ("n", False),
        ("Y", True),
        ("~", None),
        ("v1", "v1"),
        ("-", "-"),
        (".", "."),
        ("_", "_"),
    ],
)
def test_scalars_are_those_of_kubernetes(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)
