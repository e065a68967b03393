"""`meshproof lint` as a person calls it: what is printed, and with which code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from meshproof.cli.group import group
from meshproof.errors import MeshproofError, UsageError

SNIFFED = """\
apiVersion: v1
kind: Service
metadata: {name: stars}
spec:
  selector: {app: stars}
  ports: [{name: web, port: 80}]
"""
WRONG = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a]}\n"


def lint(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(group, ["lint", *words], input=text, standalone_mode=False)


@pytest.mark.parametrize(
    ("fail_on", "text", "code"),
    [
        ("warning", SNIFFED, 0),
        ("info", SNIFFED, 1),
        ("error", SNIFFED + WRONG, 1),
        ("warning", SNIFFED + WRONG, 1),
        ("never", SNIFFED + WRONG, 0),
    ],
)
def test_fail_on_decides_the_exit_code(fail_on: str, text: str, code: int) -> None:
    ended = lint("-f", "-", "--fail-on", fail_on, text=text)
    assert ended.return_value == code
    assert "MP090" in ended.stdout


def test_a_warning_fails_where_nothing_is_said() -> None:
    assert lint("-f", "-", text=SNIFFED).return_value == 0
    assert lint("-f", "-", text=SNIFFED + WRONG).return_value == 1


def test_a_code_is_left_out_and_one_that_there_is_not_is_refused() -> None:
    assert lint("-f", "-", "--ignore", "mp090", text=SNIFFED).stdout.startswith("nothing found")
    with pytest.raises(UsageError, match="no code MP990"):
        raise lint("-f", "-", "--ignore", "MP990", text=SNIFFED).exception or AssertionError


def test_the_namespace_is_given_to_what_names_none() -> None:
    text = f"{SNIFFED}---\n{SNIFFED}".replace("stars}\nspec", "stars, namespace: shop}\nspec", 1)
    assert "MP003" not in lint("-f", "-", text=text).stdout
    assert "MP003" in lint("-f", "-", "-n", "shop", text=text).stdout


@pytest.mark.parametrize("text", ["", "kind: [unclosed", "hello"])
def test_what_cannot_be_read_at_all_ends_in_4(text: str) -> None:
    error = lint("-f", "-", text=text).exception
    assert isinstance(error, MeshproofError)
    assert error.exit_code == 4


def test_an_empty_folder_and_one_that_is_not_there_end_in_4(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        error = lint("-f", str(path)).exception
        assert isinstance(error, MeshproofError)
        assert error.exit_code == 4


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_what_machines_read_stands_alone_on_standard_output(form: str) -> None:
    ended = lint("-f", "-", "-o", form, text=SNIFFED)
    assert json.loads(ended.stdout)
    assert ended.stderr == ""
