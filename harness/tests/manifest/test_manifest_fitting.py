"""What the quick look at fields lets pass, the thorough one finds nothing wrong with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import ManifestError
from meshproof.manifest import kinds, schema
from meshproof.manifest.compose import compose
from meshproof.manifest.fields.fitting import fits
from meshproof.manifest.schema import LABELS, Between, Filled, Form, Map, OneOf, Open, Shape

SHAPE: Shape = {
    "text": schema.TEXT,
    "whole": schema.WHOLE,
    "flag": schema.FLAG,
    "number": schema.NUMBER,
    "both": schema.WHOLE_OR_TEXT,
    "free": schema.FREE_TEXT,
    "time": schema.DURATION,
    "pause": schema.DURATION_OR_ZERO,
    "labels": LABELS,
    "word": OneOf(("a", "b")),
    "form": Form("[a-z]?", "one letter", 1),
    "between": Between(-1, 5),
    "filled": Filled(schema.TEXT),
    "share": Between(0, 5, whole=False),
    "list": [{"text": schema.TEXT}],
    "map": Map(schema.WHOLE),
    "open": Open({"text": schema.TEXT}),
    "any": None,
}
SCALARS = ["a", "5", "5.0", "-1", "1e400", "'5'", "true", "~", "1s", "0s", "'{{ x }}'", "'{{'", "999999h", "9999999h"]
SCALARS += ["99999999999999999999", "1us", "''", "a_b.c", "-a", "'a b'", "1.5s", "'yes'", "yes", "0x10"]
INNER = st.sampled_from(SCALARS)
NAMES = st.sampled_from(["text", "a", "a/b", "-a", "5", "list"])
TEXT = st.recursive(
    INNER,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda several: f"[{', '.join(several)}]"),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda found: f"{{{', '.join(map(': '.join, found.items()))}}}"),
    ),
    max_leaves=6,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*SHAPE, "unknown"]), TEXT, min_size=1, max_size=4))
def test_what_fits_has_nothing_wrong(fields: dict[str, str]) -> None:
    (body,) = compose("".join(f"{name}: {text}\n" for name, text in fields.items()), "f")
    if fits(body.content, SHAPE):
        schema.check(body, SHAPE)


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("{text: a, whole: 5, flag: true, both: a, labels: {a/b: c}, word: b, list: [{text: a}], time: 1s}", True),
        ("{any: [{x: 1}], open: {other: 1, text: a}, map: {x: 1}, text: ~}", True),
        ("{unknown: 1}", False),
        ("{labels: {-a: c}}", False),
        ("{labels: {a: '-'}}", False),
        ("{word: c}", False),
        ("{form: a, between: -1, share: 5}", True),
        ("{form: ''}", True),
        ("{form: A}", False),
        ("{filled: [a]}", True),
        ("{filled: []}", False),
        ("{form: aa}", False),
        ("{between: 6}", False),
        ("{between: -2}", False),
        ("{share: 5.1}", False),
        ("{list: [~]}", False),
        ("{time: 9999999h}", False),
        ("{whole: 99999999999999999999}", False),
        ("{text: '{{ x }}'}", False),
    ],
)
def test_the_usual_fits(text: str, fitting: bool) -> None:
    (body,) = compose(text, "f")
    assert fits(body.content, SHAPE) is fitting
    if not fitting:
        with pytest.raises(ManifestError):
            schema.check(body, SHAPE)


def test_every_kind_of_shape_is_known() -> None:
    text = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: []}}}}"
    (body,) = compose(text, "f")
    assert fits(body.content, kinds.SCHEMAS["Deployment"])
