"""What the schema of editors takes, the reader takes; and of what the reader refuses it finds what can be found."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import ManifestError
from meshproof.intents.reading.read import read_intents

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/schemas/intents.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
WORDS = st.sampled_from(["v1", "reviews/beta", "none", "", " ", "a b", "übrig", "1"])
URLS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "GET ", "post ", "G3T "]),
    st.sampled_from(["http://", "https://", "tcp://", "ftp://"]),
    st.sampled_from(["cart", "cart.shop:8080", "cart:99999", "cart:0", "-", "web.example.", "a:9000"]),
    st.sampled_from(["", "/", "/x?y=1", "/a b", "/'x", "/ü"]),
    st.sampled_from(["", " x-a:b", " x-a:'b c'", " x-a", ' x-a:"', " :b", " x:\\"]),
)
SHARES = st.sampled_from(["95%", "33.3%", "100%", "101%", "1/3", "4/3", "0/1", "5", 95, "100.1%", "1/0", "7 %", None])
TO = st.one_of(WORDS, st.dictionaries(WORDS, SHARES, max_size=2), st.none(), st.lists(WORDS, max_size=1))
EXPECTED = {
    "to": TO,
    "within": st.sampled_from(["2s", "500ms", "1.5s", "0s", "0.5s", "1h", "2", 2, "1.5m", "0001s"]),
    "status": st.sampled_from([200, 404, 99, 600, "404", 200.0, True]),
    "header": st.dictionaries(WORDS, st.one_of(WORDS, st.integers(), st.none()), max_size=2),
    "mirror": TO,
    "path": WORDS,
    "redirect": WORDS,
    "too": WORDS,
}
CONDITIONS = st.sampled_from(["x-beta:yes", "x-a:1 x-b:2", "x", "a:'b c'", "http://a", "", ":a", "a:"])
RIGHT = {"request": "GET http://cart/", "expect": {"to": "cart"}}


def varied(right: dict[str, Any], fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """What is right, with one of these fields drawn: so that much of what is drawn is right."""
    several = [one.map(lambda value, name=name: {**right, name: value}) for name, one in fields.items()]
    return st.one_of(several)


INTENT = {
    "request": st.one_of(URLS, st.lists(URLS, max_size=2)),
    "expect": varied({"status": 200}, EXPECTED),
    **dict.fromkeys(("name", "from", "gateway", "x"), WORDS),
}
FORBIDDEN = {
    "to": st.one_of(WORDS, st.lists(WORDS, max_size=2)),
    "unless": st.one_of(CONDITIONS, st.lists(CONDITIONS, max_size=2)),
    "when": WORDS,
}
PROMISE = {"never": varied({"to": "next"}, FORBIDDEN), **dict.fromkeys(("name", "from", "gateway"), WORDS)}
ENTRY = st.one_of(varied(RIGHT, INTENT), varied({"never": {"to": "next"}}, PROMISE))


@settings(max_examples=100)
@given(st.lists(ENTRY, min_size=1, max_size=1))
def test_what_the_schema_takes_the_reader_takes(document: list[Any]) -> None:
    if VALIDATOR.is_valid(document):
        read_intents(["-"], io.StringIO(yaml.safe_dump(document, allow_unicode=True)))


@pytest.mark.parametrize("file", ["examples/shop/intents.yaml", "harness/tests/intents/shop-wrong.yaml",
                                  "harness/tests/intents/semantics/intents.yaml"])  # fmt: skip
def test_it_takes_what_people_write(file: str) -> None:
    VALIDATOR.validate(yaml.safe_load((ROOT / file).read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "- request: GET http://a/\n  expct: {to: a}",
        "- request: GET a\n  expect: {to: a}",
        "- request: GET http://a/\n  expect: {to: {a: 195%}}",
        "- request: GET http://a/\n  expect: {status: 1000}",
        "- request: GET http://a/\n  expect: {}",
        "- never: {unless: 'a:b'}",
        "- never: {to: a}\n  request: GET http://a/",
    ],
)
def test_it_refuses_what_the_reader_refuses(text: str) -> None:
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


FIELDS = st.sampled_from(
    ["request", "expect", "never", "to", "unless", "header", "testCases", "route", "authority", "uri"]
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), URLS, CONDITIONS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=100)
@given(ANYTHING)
def test_whatever_a_file_holds_it_is_read_or_refused_with_a_place(document: Any) -> None:
    with contextlib.suppress(ManifestError):
        read_intents(["-"], io.StringIO(yaml.safe_dump(document, allow_unicode=True)))
