"""A step is made once, again when what decides its content changes, and from the start when it was interrupted."""

from pathlib import Path

import pytest
from airgap.step import Lab, Step


def writer(text: str, calls: list[str]):  # type: ignore[no-untyped-def]
    def make(lab: Lab, target: Path) -> None:
        calls.append(text)
        target.write_text(text)

    return make


def test_a_step_is_made_once(tmp_path: Path) -> None:
    calls: list[str] = []
    step = Step("one", "recipe", writer("one", calls))
    first, second = step.ensure(Lab(tmp_path)), step.ensure(Lab(tmp_path))
    assert first == second
    assert first.read_text() == "one"
    assert calls == ["one"]
    assert (tmp_path / "times.tsv").read_text().split("\t")[1:3] == ["one", "done"]


def test_what_a_step_needs_is_made_before_it_and_decides_its_name(tmp_path: Path) -> None:
    calls: list[str] = []
    below = Step("below", "1", writer("below", calls))
    Step("above", "", writer("above", calls), (below,)).ensure(Lab(tmp_path))
    assert calls == ["below", "above"]
    other = Step("above", "", writer("above", calls), (Step("below", "2", writer("below", calls)),))
    other.ensure(Lab(tmp_path))
    assert calls == ["below", "above", "below", "above"]
    assert len(list((tmp_path / "store").iterdir())) == 4


def test_a_step_that_fails_leaves_nothing_that_counts_as_made(tmp_path: Path) -> None:
    def half(lab: Lab, target: Path) -> None:
        target.mkdir()
        (target / "half").write_text("")
        raise RuntimeError("interrupted")

    calls: list[str] = []
    broken = Step("one", "recipe", half)
    with pytest.raises(RuntimeError, match="interrupted"):
        broken.ensure(Lab(tmp_path))
    assert not broken.path(Lab(tmp_path)).exists()
    mended = Step("one", "recipe", writer("whole", calls))
    assert mended.ensure(Lab(tmp_path)).read_text() == "whole"
    assert "failed" in (tmp_path / "times.tsv").read_text()
