"""None of the secrets of a mesh, or of what is wanted of it, is in what becomes of intents."""

from __future__ import annotations

from typing import Any

import pytest
from planted_secrets import Planted, assert_nothing, intents


@pytest.mark.parametrize("form", ["text", "json", "junit", "github", "gitlab"])
def test_intents_by_prediction(planted: Any, plant: Planted, form: str) -> None:
    (planted.here / "intents.yaml").write_text(intents(plant))
    ended = planted.run("test", "-f", "spec", "-t", "intents.yaml", "--static", "-o", form)
    assert ended.code == 1, ended.err
    assert_nothing(plant, planted, ended)


def test_intents_that_are_proved(planted: Any, plant: Planted) -> None:
    """Each gets its verdict, although no verdict has its request as it was sent."""
    (planted.here / "intents.yaml").write_text(intents(plant))
    words = ("test", "-f", "spec", "-t", "intents.yaml", *planted.rates, "-o", "json")
    ended = planted.run(*words, "--output", "out")
    assert ended.code == 1, ended.out + ended.err
    outcomes = [(one["number"], one["outcome"]) for one in ended.report["intents"]]
    assert outcomes == [(0, "passed"), (1, "failed"), (2, "failed"), (3, "failed")]
    assert_nothing(plant, planted, ended)


def test_intents_in_pytest(planted: Any, plant: Planted) -> None:
    request = f"GET http://helloworld:5000/hello authorization:{plant('a request of a test')}"
    (planted.here / "spec" / "test_it.py").write_text(
        "import pytest\nfrom meshproof import Intent\n\n"
        f"@pytest.mark.parametrize('case', [Intent({request!r}, to='v2')])\n"
        "def test_it(intent, case):\n    intent(case, 'helloworld.yaml', 'subsets.yaml', 'route.yaml')\n"
    )
    ended = planted.run_pytest("-v", planted.here / "spec")
    assert ended.code == 1, ended.out + ended.err
    assert_nothing(plant, planted, ended)
