"""A comparison is told in Chinese to who reads that; what comes from manifests stays, and so do comments and JSON."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.diff.render.text import markdown, text
from meshproof.language.words import words

ROUTING = "routing.yaml"


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ([], "没有变化：两份清单所说相同"),
        ([(ROUTING, "timeout: 2s", "timeout: 3s")], "payments.shop 的全部请求的超时：2 s → 3 s（"),
        ([(ROUTING, "timeout: 2s", "timeout: 2000ms")], "请求没有变化：文本不同的有 1 个对象，所试的 "),
        ([(ROUTING, 'exact: "yes"', 'exact: "no"')], "reviews.shop 的 GET /，带有 x-beta: no"),
        (
            [(ROUTING, "weight: 95", "weight: 50"), (ROUTING, "weight: 5\n", "weight: 50\n")],
            "对 1 个主机的请求有 1 项变化",
        ),
    ],
)
def test_lines_are_told_in_chinese(changed: Any, edits: list[tuple[str, str, str]], line: str) -> None:
    found = changed(*edits)
    told = "\n".join(text(found, words("zh")))
    assert line in told
    assert "request" not in told
    assert not {*told} & {*"，：（）；"} & {*"\n".join(markdown(found))}
