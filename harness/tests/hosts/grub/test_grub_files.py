"""GRUB's defaults, its environment block, and how versions are ordered."""

import subprocess

import pytest
from meshproof.targets.hosts.grub.bls import compare, entries
from meshproof.targets.hosts.grub.defaults import assignments
from meshproof.targets.hosts.grub.environment import variables


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\n", ["saved", "0"]),
        ("GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\nGRUB_DEFAULT=saved\n", ["0", "saved"]),
        ("# GRUB_DEFAULT=0\nGRUB_DEFAULT=saved", ["saved"]),
        ("GRUB_DEFAULT='1>2' # the old one\n", ["1>2"]),
        ('GRUB_DEFAULT="CentOS Linux (3.10) 7 (Core)"\n', ["CentOS Linux (3.10) 7 (Core)"]),
        ("  export GRUB_DEFAULT=saved; GRUB_TIMEOUT=1\n", ["saved"]),
        ("GRUB_DEFAULT=\n", [""]),
        ("GRUB_DEFAULT=  # nothing\n", [""]),
        ("GRUB_DEFAULT=sav\\\ned\n", ["saved"]),
        ("GRUB_DEFAULT_X=1\nXGRUB_DEFAULT=2\n", []),
        ("GRUB_DEFAULT = 0\n", []),
        ("GRUB_DEFAULT='unclosed\n", ["unclosed"]),
    ],
)
def test_assignments(text, values, tmp_path):
    assert [one.value for one in assignments("grub", text)] == values
    if values and "unclosed" not in text:
        (tmp_path / "grub").write_text(text)
        script = f'. {tmp_path}/grub; printf %s "$GRUB_DEFAULT"'
        shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
        assert shell.stdout == values[-1]


def test_lines_are_counted_as_an_editor_does():
    text = "A=1\\\n2\n\nGRUB_DEFAULT=saved\nGRUB_DEFAULT=0\n"
    assert [one.line for one in assignments("grub", text)] == [4, 5]
    assert str(assignments("/etc/default/grub", text)[0]) == "/etc/default/grub:4: GRUB_DEFAULT=saved"


def test_environment_block():
    text = "# GRUB Environment Block\n# WARNING: do not edit\n#x=1\nsaved_entry=a=b\nodd=x\\\\y\\\nz\n" + "#" * 900
    assert variables(text) == {"saved_entry": "a=b", "odd": "x\\y\nz"}
    assert variables("saved_entry=1\n") == {}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("5.14.0-70.el9", "5.14.0-162.el9"),
        ("5.14.0-70.el9", "5.14.0-70.13.1.el9_0"),
        ("0-rescue", "4.18.0"),
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0.1"),
        ("1.0a", "1.0.1"),
        ("009", "10"),
    ],
)
def test_versions_are_ordered_as_rpm_orders_them(older, newer):
    assert compare(older, newer) < 0 < compare(newer, older)
    assert compare(older, older) == 0


def test_fields_are_separated_by_spaces_or_tabs():
    (found,) = entries({"a.conf": "title\tAn  entry\n# linux /no\nlinux \t /vmlinuz-5.4\nversion 5.4\n"})
    assert (found.id, found.title, found.version, found.linux) == ("a", "An  entry", "5.4", "/vmlinuz-5.4")
