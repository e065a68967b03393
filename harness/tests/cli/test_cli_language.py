"""A command line in Chinese: its help, what is wrong with it, and what stays as it is for programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from meshproof.language.wrap import columns

ZH = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8", "COLUMNS": "80"}
CANARY = Path(__file__).parents[3] / "scenarios" / "canary"
SHOP = CANARY.parents[1] / "examples" / "shop"


def test_the_help_of_the_whole_is_chinese_by_the_environment() -> None:
    command, environ = [sys.executable, "-m", "meshproof", "--help"], {**os.environ, **ZH, "PYTHONUTF8": "1"}
    told = subprocess.run(command, capture_output=True, encoding="utf-8", env=environ, timeout=60).stdout
    assert told.startswith("用法：meshproof [OPTIONS] COMMAND [ARGS]...\n\n  证明服务网格的行为与其 YAML 一致。\n")
    assert "\n命令：\n" in told
    assert "  lint                指出清单中的错误和可疑之处。\n" in told
    assert "    4  命令、选项或清单有误\n" in told


@pytest.mark.parametrize("name", ["verify", "selfcheck"])
def test_the_help_of_a_command_is_chinese_and_fits(name: str, place: Any) -> None:
    told = place.run(name, "--lang", "zh", "--help", env={"COLUMNS": "80"}).out
    assert told.startswith(f"用法：meshproof {name} ")
    assert "--lang [en|zh]" in told
    assert [line for line in told.splitlines() if columns(line) > 80] == []
    # What is left in English are options, words of commands, and examples.
    assert [line for line in told.splitlines() if " the " in line or " is " in line] == []


def test_a_scenario_that_nobody_has_is_told_in_chinese(place: Any) -> None:
    ended = place.run("run", "canry", env=ZH)
    assert ended.code == 5
    assert ended.err.startswith("meshproof: 没有名为 'canry' 的场景或文件夹；您是否想用 canary")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bogus", "错误：没有命令 'bogus'。"),
        ("verify", "错误：缺少选项 '-f' / '--filename'。"),
        ("run --tolerance x", "错误：'--tolerance' 的值无效：'x' 不是有效的浮点数。"),
        ("run --tolerance 99", "错误：'--tolerance' 的值无效：99.0 不在范围 0.01<=x<=50.0 之内。"),
        ("run --tolernce 3", "错误：没有选项 '--tolernce'。您是否想用 '--tolerance'？"),
        ("report /nope", "错误：'RUN' 的值无效：目录 '/nope' 不存在。"),
        ("report", "错误：缺少参数 'RUN'。"),
        ("run --seed", "错误：选项 '--seed' 需要一个参数。"),
        (
            "run -o xml",
            "错误：'-o' / '--output-format' 的值无效：'xml' 不是 'table', 'json', 'junit', 'github', 'gitlab' 之一。",
        ),
    ],
)
def test_what_is_wrong_with_a_command_line_is_told_in_chinese(line: str, said: str, place: Any) -> None:
    ended = place.run(*line.split(), env=ZH)
    assert ended.code == 4
    assert ended.err.splitlines()[-1] == said
    # click shows no usage where an option lacks its value.
    assert ("查看帮助。" in ended.err) == (line != "run --seed")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("explain http://x/", "请指定要解释的内容：用 -f 指定清单，或用 --target cluster --context NAME 指定集群"),
        ("verify -f /nope", "/nope：没有这个文件或目录"),
        ("verify -f {shop} --allow-unproven Servce", "没有名为 Servce 的 kind：您是指 Service 吗？"),
        (
            "explain -f {shop} x",
            "请求 'x' 没有 URL；请求的写法为 [METHOD] URL [HEADER:VALUE ...]，"
            "例如 'GET http://helloworld:5000/hello end-user:jason'",
        ),
        ("verify -f {shop} --port 1=x", "'1=x' 不是 SERVICE_PORT=LOCAL_PORT（例如 5000=15000）"),
        # What stands at a place in a manifest is searched for.
        ("lint -f {empty}", "the folder has no .yaml, .yml, .json file"),
    ],
)
def test_an_error_of_its_own_is_told_in_chinese(line: str, said: str, tmp_path: Path, place: Any) -> None:
    ended = place.run(*(word.format(shop=SHOP, empty=tmp_path) for word in line.split()), env=ZH)
    assert (ended.code, said in ended.err) == (4, True), ended.err


def test_a_language_that_there_is_not_is_a_wrong_option(place: Any) -> None:
    ended = place.run("run", "--list", "--lang", "tlh")
    assert ended.code == 4
    assert ended.err.endswith("Error: Invalid value for '--lang': 'tlh' is not one of 'en', 'zh'.\n")


def test_english_reads_no_catalogue() -> None:
    asked = "import sys; from meshproof.cli.group import group; group(['--help'], standalone_mode=False);"
    listed = f"{asked} print(*(name for name in sys.modules if name.startswith('meshproof.language')))"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True, env={"LANG": "C"})
    assert done.stdout.splitlines()[-1].split() == [
        "meshproof.language", "meshproof.language.words", "meshproof.language.wrap",
    ]  # fmt: skip


def test_what_programs_read_is_the_same_in_every_language(place: Any, tmp_path: Path) -> None:
    files = [word for name in ("helloworld", "subsets", "weight-10") for word in ("-f", str(CANARY / f"{name}.yaml"))]
    several = [
        place.run("lint", *files, "-o", form, "--lang", language)
        for form in ("sarif", "json")
        for language in ("en", "zh")
    ]
    assert [one.code for one in several] == [0] * 4
    assert several[0].out == several[1].out
    assert json.loads(several[2].out) == json.loads(several[3].out)


def test_intents_are_told_in_chinese_and_stand_in_columns(place: Any) -> None:
    wanted = ("test", "-f", str(SHOP), "-t", str(SHOP / "intents.yaml"), "--static", "--min-coverage", "100")
    ended = place.run(*wanted, env=ZH)
    assert ended.code == 1, ended.err
    lines = ended.out.splitlines()
    assert "没有意图到达 " in ended.out
    assert lines[-2].endswith(" %），要求为 100 %")
    assert lines[-1].endswith("（按预测）")
    rows = [row.strip() for row in lines if "passed" in row]
    assert len(rows) > 3
    assert [row for row in rows if not re.match(r"通过 passed {3}\S", row)] == []
    english = place.run(*wanted, env={**ZH, "LANG": "C.UTF-8"}).out
    assert [row for row in english.splitlines() if "passed" in row and not re.match(r" *passed {8}\S", row)] == [
        english.splitlines()[-1]
    ]


def test_what_lint_and_diff_count_is_told_in_chinese(tmp_path: Path, place: Any) -> None:
    ended = place.run("lint", "-f", str(SHOP), env=ZH)
    assert (ended.code, ended.out.startswith("没有发现问题（")) == (0, True)
    ended = place.run("diff", str(SHOP), str(SHOP), env=ZH)
    assert (ended.code, ended.out) == (0, "没有变化：两份清单所说相同\n")
    # A comment on a pull request, and what programs read, are as ever.
    ended = place.run("diff", str(SHOP), str(SHOP), "-o", "markdown", env=ZH)
    assert ended.out == "**meshproof diff**: no change: the manifests say the same\n"


def test_the_values_of_a_change_are_told_in_chinese(tmp_path: Path, place: Any) -> None:
    for file in SHOP.glob("*.yaml"):
        text = file.read_text().replace("timeout: 1s", "fault: {abort: {percentage: {value: 5}, httpStatus: 503}}")
        (tmp_path / file.name).write_text(text)
    told = place.run("diff", str(SHOP), str(tmp_path), env=ZH).out
    assert "catalog.shop 的全部请求的中止：无 → 503（5 % 的请求）（" in told
    assert "catalog.shop 的全部请求的超时：1 s → 无（" in told
    english = [place.run("diff", str(SHOP), str(tmp_path), "-o", "json", "--lang", one).out for one in ("en", "zh")]
    assert json.loads(english[0]) == json.loads(english[1])
