"""Edits of frozen trees."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest.compose import compose
from meshproof.manifest.value import Value
from meshproof.mutate.edit import fresh, plain, put, spots, without

TEXT = """\
spec:
  http:
  - route:
    - {weight: 90}
    - {weight: 10, headers: {a.b: c}}
  - timeout:
"""


@pytest.fixture
def tree() -> Value:
    return next(compose(io.StringIO(TEXT).read(), "a.yaml"))


def test_patterns_find_every_place(tree):
    assert [(path, value.data) for path, value in spots(tree, "spec.http[].route[].weight")] == [
        (("spec", "http", 0, "route", 0, "weight"), 90),
        (("spec", "http", 0, "route", 1, "weight"), 10),
    ]
    assert [path[-1] for path, _ in spots(tree, "spec.http[].route[].headers.*")] == ["a.b"]
    assert [path for path, _ in spots(tree, "")] == [()]


@pytest.mark.parametrize(
    "pattern", ["spec.http[].timeout", "spec.tcp[]", "spec.http.route", "spec.http[].route.weight"]
)
def test_what_is_missing_null_or_of_another_shape_is_not_found(tree, pattern):
    assert not list(spots(tree, pattern))


def test_put_leaves_the_old_tree_as_it_was(tree):
    path, old = next(spots(tree, "spec.http[].route[].weight"))
    changed = put(tree, path, fresh(85, old))
    assert plain(changed)["spec"]["http"][0]["route"][0]["weight"] == 85
    assert plain(tree)["spec"]["http"][0]["route"][0]["weight"] == 90
    assert [value.location for _, value in spots(changed, "spec.http[].route[].weight")] == [
        value.location for _, value in spots(tree, "spec.http[].route[].weight")
    ]


def test_put_adds_a_field_that_is_new(tree):
    assert plain(put(tree, ("spec", "x"), fresh([1], tree)))["spec"]["x"] == [1]


def test_without_takes_items_and_fields(tree):
    shorter = without(tree, ("spec", "http", 0, "route", 0), ("spec", "http", 1, "timeout"), ("spec", "none", "at"))
    assert plain(shorter) == {"spec": {"http": [{"route": [{"weight": 10, "headers": {"a.b": "c"}}]}, {}]}}


@pytest.mark.parametrize(("data", "text"), [(True, "true"), (0.25, "0.25"), (7, "7"), ("a", "a")])
def test_fresh_scalars_read_as_yaml_would_give_them(tree, data, text):
    made = fresh(data, tree)
    assert (made.data, made.text_form, made.location) == (data, text, tree.location)


def test_a_fresh_percentage_is_exact(tree):
    assert fresh({"value": 0.25}, tree).need("value").percent() * 400 == 1
