"""YAML that is written here is read by a YAML reader as the same data."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st
from meshproof.report.certificate.text import json_text, yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "y",
        "No",
        "~",
        "1e3",
        "017",
        "a: b",
        "- a",
        "# no",
        " a",
        "a ",
        "\U0001f600",
        "null",
        "a\nb",
        "2026-01-31",
        "long " * 300,
    ]
)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.dictionaries(
    TEXTS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    ),
    min_size=1,
    max_size=3,
)


@given(DATA)
def test_what_is_written_is_read_again(data: dict[str, Any]) -> None:
    assert pyyaml.load(yaml(data), getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)) == data
    assert json.loads(json_text(data)) == data


@pytest.mark.parametrize(("number", "text"), [(1e-05, "1.0e-05"), (1.5e-07, "1.5e-07"), (0.5, "0.5"), (3, "3")])
def test_a_number_is_one_to_readers_of_yaml_1_1(number: float, text: str) -> None:
    assert yaml({"a": number}) == f"a: {text}\n"


def test_it_is_block_style_without_needless_quotes() -> None:
    data = {"kind": "Report", "n": 1, "list": [{"a": ["x", "no"], "b": {}}, [1, [2]], []], "map": {"k v": None}}
    assert yaml(data) == (
        'kind: Report\n"n": 1\nlist:\n- a:\n  - x\n  - "no"\n  b: {}\n- - 1\n  - - 2\n- []\nmap:\n  k v: null\n'
    )
