"""Which language is meant, how its texts are filled in, and how wide they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshproof.language.words import CLICK, ENGLISH, ERROR, PLACEHOLDER, Words, meant, of_environment, words
from meshproof.language.wrap import columns, wrap


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.GBK@pinyin"}, "zh"),
        ({"LANG": "zha_CN"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "en_US", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8", "LC_CTYPE": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_environment_decides_by_the_precedence_of_posix(environ: dict[str, str], language: str) -> None:
    assert of_environment(environ) == language


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("verify -f k8s", "en"),
        ("--lang zh verify -f k8s", "zh"),
        ("verify --help --lang=zh", "zh"),
        ("verify --lang zh --lang en", "en"),
        ("verify --lang", "en"),
        ("verify --lang tlh", "en"),
        ("diff -- --lang zh", "en"),
    ],
)
def test_the_command_line_decides_before_it_is_parsed(line: str, language: str) -> None:
    assert meant(line.split(), {"LANG": "C"}) == language


def test_the_command_line_comes_before_the_environment() -> None:
    assert meant(["run", "--lang", "en"], {"LC_ALL": "zh_CN.UTF-8"}) == "en"


def test_values_are_never_texts_themselves() -> None:
    assert ENGLISH("live: {url}", url="{0} {x}") == "live: {0} {x}"
    assert words("zh")("live: {url}", url="{0} {x}") == "实时页面：{0} {x}"


def test_amounts() -> None:
    assert [ENGLISH.amount(n, "check") for n in (0, 1, 1200)] == ["0 checks", "1 check", "1,200 checks"]
    assert words("zh").amount(1200, "check") == "1,200 项检查"


def test_an_outcome_keeps_its_code() -> None:
    assert ENGLISH.outcome("failed") == "failed"
    assert words("zh").outcome("failed") == "失败 failed"


def test_what_click_says_is_recognized_and_nothing_else() -> None:
    chinese = words("zh")
    assert chinese.recognized("No such option '--x'.") == "没有选项 '--x'。"
    assert chinese.recognized("'a' is not one of 'b', 'c'.") == "'a' 不是 'b', 'c' 之一。"
    assert chinese.recognized("3 of 4 tests passed") == "3 of 4 tests passed"
    assert Words("x", "x", {CLICK + "one {a}": "ein {a}", CLICK + "{a}, two": "{a}, zwei"}).recognized("one x, two")


def test_each_error_is_recognized_whatever_is_put_in() -> None:
    """By a text that says as much, where two differ in a word that others put in."""
    chinese = words("zh")
    texts = [text for text in chinese.texts if text.startswith(ERROR)]
    assert len(texts) > 200
    for text in texts:
        values = {name: f"/{name}-1.yaml" for name in PLACEHOLDER.findall(text)}
        told = text.removeprefix(ERROR).format_map(values)
        assert chinese.recognized(told, ERROR) == chinese.texts[text].format_map(values), text


def test_an_error_is_put_together_from_what_is_known_of_its_parts() -> None:
    chinese = words("zh")
    assert chinese.recognized("--cert a.pem: there is no such file", ERROR) == "--cert a.pem: there is no such file"
    assert chinese.recognized("out already holds a run: name another folder with --output", ERROR) == (
        "out 已有一次运行：请用 --output 另行指定目录"
    )
    assert chinese.recognized("k8s/a.yaml:1:1: weight is no number", ERROR) == "k8s/a.yaml:1:1: weight is no number"


def test_lines_are_as_wide_as_a_terminal_shows_them() -> None:
    told = "由真实的 Envoy 按照您的 Istio 清单路由真实的 Locust 流量（无需集群），得出错误率已知的结论。"
    lines = wrap(told, 20)
    assert max(map(columns, lines)) <= 22
    assert [line for line in lines if line[0] in "，。）" or line[-1] in "（"] == []
    assert "".join(lines).replace(" ", "") == told.replace(" ", "")


@given(st.text("ab （）。，清单-[]", max_size=60), st.integers(1, 30))
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("abc.,:()[]'’–", min_size=1, max_size=9), min_size=1), st.integers(9, 40))
def test_a_text_in_english_is_broken_between_words_alone(several: list[str], width: int) -> None:
    lines = wrap(" ".join(several), width)
    assert " ".join(lines) == " ".join(several)
    assert max(map(len, lines)) <= width
