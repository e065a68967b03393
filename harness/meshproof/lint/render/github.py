"""Findings as GitHub's workflow commands: annotations on the lines of a pull request.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

from meshproof.lint.check import Finding, Severity
from meshproof.lint.lint import Linted
from meshproof.lint.render.paths import relative

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(linted: Linted) -> str:
    """One line each, the worst first: GitHub shows ten of a kind in each step."""
    several = sorted(linted.findings, key=lambda one: one.severity.rank)
    return "".join(f"{_command(one)}\n" for one in several)


def _command(one: Finding) -> str:
    place = one.location
    title = f"{one.code} {one.check.title}"
    where = f"file={_property(relative(place.file))},line={place.line},col={place.column},title={_property(title)}"
    return f"::{COMMANDS[one.severity]} {where}::{_data(f'{one.message}. {one.fix}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
