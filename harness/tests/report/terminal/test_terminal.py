"""What a person sees: live lines in a terminal, plain text everywhere else, no control characters of others."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from meshproof.report.events import Event, Interrupted, Progress
from meshproof.report.terminal.table import gauge
from meshproof.report.terminal.terminal import Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
REPORT = Path("runs/x/report.html")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
XTERM = {"TERM": "xterm-256color", "COLUMNS": "80"}


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of the run, which is there before the terminal is told that the run is over."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / REPORT
    page.parent.mkdir(parents=True)
    page.write_text("")
    return page


def show(
    events: list[Event],
    *,
    tty: bool = False,
    environ: Mapping[str, str] = XTERM,
    color: bool | None = None,
    table: bool = True,
) -> tuple[str, str]:
    """What lands on standard output and on standard error."""
    out, err = Stream(tty), Stream(tty)
    report = REPORT
    terminal = Terminal(out if table else None, err, color=color, report=report, environ=environ)
    for event in events:
        terminal.handle(event)
    terminal.close()
    return out.getvalue(), err.getvalue()


def test_a_pipe_gets_plain_text(mixed_run: list[Event]) -> None:
    out, err = show(mixed_run)
    assert not CONTROL.search(out)
    assert not CONTROL.search(err)
    assert "━" not in err


def test_the_whole_output_of_a_passed_run(passed_run: list[Event]) -> None:
    out, err = show(passed_run)
    assert out.splitlines() == [
        "CanarySplit",
        "  Split     passed  1,342  v1  90 % → 89.7 %  [86.1, 93.3] %",
        "                           v2  10 % → 10.3 %   [6.7, 13.9] %",
        "  NoErrors  passed  1,342",
        "",
        "passed 2 checks of 1 scenario in 2.4 s (α = 0.001, β = 0.01, δ = 3 points)",
        "report: runs/x/report.html",
    ]
    assert err.splitlines() == [
        "notice scenarios/canary/helloworld.yaml:3:7: kind PodMonitor is not read",
        "CanarySplit passed in 1.9 s",
    ]


def test_a_page_that_could_not_be_written_is_not_named(kept: Path, passed_run: list[Event]) -> None:
    kept.unlink()
    assert "report" not in show(passed_run)[0]


def test_one_closing_line_where_it_fits(passed_run: list[Event]) -> None:
    out, _ = show(passed_run, environ={"COLUMNS": "120"})
    assert out.splitlines()[-1].endswith("δ = 3 points) · report: runs/x/report.html")


def test_reasons_wrap_at_80_columns(mixed_run: list[Event]) -> None:
    out, _ = show(mixed_run)
    assert max(map(len, out.splitlines())) <= 80
    assert "    helloworld.default/v2 was specified 10 % and gets more" in out
    assert "failed" in out
    assert "inconclusive" in out


def test_a_terminal_gets_live_lines_and_colour(passed_run: list[Event]) -> None:
    out, err = show(passed_run, tty=True)
    assert "CanarySplit" in err
    assert "╌" in err
    assert COLOUR.search(out)
    assert "\x1b[?25h" in err, "the cursor comes back"


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_ci_gets_no_live_lines(passed_run: list[Event], ci: str) -> None:
    _, err = show(passed_run, tty=True, environ={**XTERM, "CI": ci})
    assert not CONTROL.search(COLOUR.sub("", err))
    assert "╌" not in err


def test_ci_false_is_no_ci(passed_run: list[Event]) -> None:
    _, err = show(passed_run, tty=True, environ={**XTERM, "CI": "false"})
    assert "╌" in err


def test_a_dumb_terminal_gets_plain_text(passed_run: list[Event]) -> None:
    out, err = show(passed_run, tty=True, environ={"TERM": "dumb", "COLUMNS": "80"})
    assert not CONTROL.search(out + err)


@pytest.mark.parametrize(
    ("tty", "environ", "color", "coloured"),
    [
        (True, {}, None, True),
        (True, {"NO_COLOR": "1"}, None, False),
        (True, {"NO_COLOR": ""}, None, True),
        (True, {}, False, False),
        (True, {"NO_COLOR": "1"}, True, True),
        (False, {}, None, False),
        (False, {"FORCE_COLOR": "1"}, None, False),
        (False, {}, True, True),
    ],
)
def test_colour_follows_the_option_then_the_environment_then_the_terminal(
    passed_run: list[Event], tty: bool, environ: dict[str, str], color: bool | None, coloured: bool
) -> None:
    out, err = show(passed_run, tty=tty, environ={**XTERM, **environ}, color=color)
    assert bool(COLOUR.search(out)) is coloured
    assert coloured or not COLOUR.search(err)


def test_standard_output_can_be_left_alone(passed_run: list[Event]) -> None:
    out, err = show(passed_run, table=False)
    assert out == ""
    assert "passed 2 checks of 1 scenario" in err


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b]0;owned\x07",
        "\x9b31m\x85",
        "[bold red]x[/bold red]",
        "[/]",
        ":smile:",
        "a\rb\x08\x08",
        "\ud800",
        "\u202e",
    ],
)
def test_no_text_sends_control_characters_to_the_terminal(
    hostile_run: Callable[[str], list[Event]], text: str, tty: bool
) -> None:
    plain = show(hostile_run("harmless"), tty=tty)
    for stream, harmless in zip(show(hostile_run(text), tty=tty), plain, strict=True):
        if not tty:
            assert not CONTROL.search(stream)
        own = set(re.findall(r"\x1b(?:\[[0-9;?]*[A-Za-z]|.)", harmless))
        assert set(re.findall(r"\x1b(?:\[[0-9;?]*[A-Za-z]|.)", stream)) <= own
        assert not re.search("[\x07\x08\x7f-\x9f\u202e\ud800]", stream)


def test_markup_is_shown_as_it_is(hostile_run: Callable[[str], list[Event]]) -> None:
    out, err = show(hostile_run("[red]x[/] :smile:"))
    assert "[red]x[/] :smile:" in out
    assert "[red]x[/] :smile:" in err


def test_a_huge_reason_is_cut(hostile_run: Callable[[str], list[Event]]) -> None:
    out, _ = show(hostile_run("word " * 20_000))
    assert "the rest is in the report" in " ".join(out.split())


def test_a_run_that_is_closed_unfinished_prints_how_far_it_came(passed_run: list[Event]) -> None:
    out, err = show([*passed_run[:-2], Interrupted()], tty=True)
    assert "interrupted: 2 passed of 1 scenario" in COLOUR.sub("", out)
    assert "interrupted" in err


def test_closing_twice_prints_nothing_twice(passed_run: list[Event]) -> None:
    out = Stream(False)
    terminal = Terminal(out, Stream(False), environ=XTERM)
    for event in passed_run:
        terminal.handle(event)
    terminal.close()
    terminal.close()
    assert out.getvalue().count("passed 2 checks") == 1


def test_a_stream_that_cannot_show_greek_gets_question_marks(passed_run: list[Event]) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    terminal = Terminal(out, Stream(False), environ=XTERM)
    for event in passed_run:
        terminal.handle(event)
    out.flush()
    assert b"(? = 0.001" in raw.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_a_live_line_is_one_line(passed_run: list[Event], width: int) -> None:
    progress = next(event for event in passed_run if isinstance(event, Progress))
    for one in (progress, None):
        text = gauge("Canary\nSplit" * 3, one, width)
        assert text.cell_len < width
        assert "\n" not in text.plain


def test_a_live_line_shows_each_arm(passed_run: list[Event]) -> None:
    progress = [event for event in passed_run if isinstance(event, Progress)][-1]
    text = gauge("CanarySplit", progress, 200).plain
    assert re.search(r"━+╌+ 1,330/2,960  v1 \d\d\.\d % \[.*\] %  v2 \d\d\.\d % \[.*\] %  0\.9 points to go$", text)
