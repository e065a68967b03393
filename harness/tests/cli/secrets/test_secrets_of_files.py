"""What only reads quotes no secret."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from planted_secrets import Planted, assert_nothing, manifests, requests


@pytest.mark.parametrize("form", ["text", "json", "yaml", "envoy"])
def test_a_request_that_is_explained(planted: Any, plant: Planted, form: str) -> None:
    """Conditions that it lacks are quoted with their lines; what the request itself carries is shown."""
    request, _ = requests(plant)
    ended = planted.run(
        "explain", "-f", "spec", *shlex.split(request)[1:2], "-H", f"x-api-key: {plant('-H')}", "-o", form
    )
    assert ended.code == 0, ended.err
    assert "helloworld" in ended.out
    assert_nothing(plant, planted, ended)


@pytest.mark.parametrize(
    "words",
    [
        "lint -f spec",
        "diff spec other",
        "explain -f spec --diff other http://helloworld:5000/hello",
    ],
)
@pytest.mark.parametrize("form", ["", "json"])
def test_what_only_reads(place: Any, plant: Planted, words: str, form: str) -> None:
    place.mesh("spec", None)
    place.mesh("other", None)
    text = manifests(plant)
    (place.here / "spec" / "route.yaml").write_text(text)
    changed = manifests(plant).replace('"subset": "v1"', '"subset": "v2"')
    (place.here / "other" / "route.yaml").write_text(changed)
    ended = place.run(*words.split(), *(["-o", form] if form else []))
    assert ended.code in (0, 1), ended.err
    assert ended.out
    assert_nothing(plant, place, ended)
