"""The certificates that the documentation shows: as they were issued, and with nothing of the machine in them."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
from pathlib import Path

import meshproof
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from meshproof.cli.group import group
from meshproof.errors import UsageError
from meshproof.report.authenticity.check import check
from meshproof.report.certificate.files import STATEMENT, YAML
from meshproof.report.certificate.reading import certificate

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
EXAMPLES = sorted(path.parent for path in (SCHEMAS / "examples").glob(f"*/{YAML}"))
VALIDATOR = Draft202012Validator(json.loads((SCHEMAS / "certificate.schema.json").read_text()))
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
# Folders of a person or of a machine, accounts at hosts, keys.
PRIVATE = re.compile(r"(?:^|[\s\"'=:(])(?:~|/(?:home|root|tmp|work|Users|var|opt|mnt))/|\w@\w|-----BEGIN")


@pytest.fixture(params=EXAMPLES, ids=lambda folder: folder.name)
def example(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def private(text: str) -> list[str]:
    """What stands in a text that others have no use for: folders, accounts, keys, and addresses but of the loopback."""
    addresses = [one for one in ADDRESS.findall(text) if not ipaddress.ip_address(one).is_loopback]
    return [*addresses, *PRIVATE.findall(text)]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 0


def test_an_example_is_as_it_was_issued(example: Path) -> None:
    VALIDATOR.validate(certificate((example / YAML).read_bytes(), YAML))
    ended = CliRunner().invoke(group, ["verify-certificate", str(example)], standalone_mode=False)
    assert ended.return_value == 0, ended.output


def test_an_edit_of_an_example_is_found(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(example, folder)
    text = (folder / YAML).read_text()
    (folder / YAML).write_text(text.replace("outcome: passed", "outcome: skipped", 1))
    assert not check(folder / YAML, meshproof.__version__).holds
    (folder / YAML).write_text(text)
    (folder / STATEMENT).unlink()
    with pytest.raises(UsageError, match=STATEMENT):
        check(folder / YAML, meshproof.__version__)


def test_nothing_of_the_machine_stands_in_an_example(example: Path) -> None:
    assert {path.name: private(path.read_text()) for path in example.iterdir()} == {YAML: [], STATEMENT: []}


@pytest.mark.parametrize(
    "text", ["run in /home/a/mesh", 'file: "/tmp/x.yaml"', "deploy@node01", "at 10.0.2.15:6443", "-----BEGIN KEY"]
)
def test_what_is_of_a_machine_is_noticed(text: str) -> None:
    assert private(text) != []


@pytest.mark.parametrize("text", ["127.0.0.1:6443", "1.31-alpha.eed52ebb66ad", "GET http://a/tmp/b", "kernel 6.12.1"])
def test_what_is_of_none_is_not(text: str) -> None:
    assert private(text) == []
