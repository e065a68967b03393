"""Conditions of GRUB's script: true, false, or known at boot only."""

import pytest
from meshproof.targets.hosts.grub.condition import holds
from meshproof.targets.hosts.grub.menu import read
from meshproof.targets.hosts.grub.script import tokens

UNKNOWN = "-d /boot"


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("a = a", True),
        ("a != a", False),
        ("! a = b", True),
        ("! ! a = b", False),
        (f"! {UNKNOWN}", None),
        ("2 -lt 10", True),
        ("x -lt 10", None),
        ('"$set" = yes', True),
        ('-n "$unset"', False),
        ('-z "$unset"', True),
        ("-s $prefix/grubenv", True),
        ("-f $prefix/custom.cfg", False),
        (UNKNOWN, None),
        # One part may decide the whole condition, whatever the other is.
        (f"a = b -a {UNKNOWN}", False),
        (f"{UNKNOWN} -a a = b", False),
        (f"a = a -a {UNKNOWN}", None),
        (f"{UNKNOWN} -o a = a", True),
        (f"{UNKNOWN} -o a = b", None),
        ("a = b -o a = a -a b = c", False),
    ],
)
def test_conditions(condition, truth):
    for line in (f"[ {condition} ]", f"test {condition}"):
        assert holds(list(tokens(line)), {"set": "yes"}, True) is truth


def test_an_unknown_command():
    assert holds(list(tokens("cpuid -l")), {}, True) is None
    assert holds([], {}, True) is None


ENTRY = "menuentry '{0}' {{ linux /vmlinuz-{0} }}\n"
SEVERAL = "".join(map(ENTRY.format, "abcd"))


@pytest.mark.parametrize(
    ("branches", "kernel"),
    [
        ("if true; then set default=1; elif true; then set default=2; else set default=3; fi", "b"),
        ("if false; then set default=1; elif true; then set default=2; else set default=3; fi", "c"),
        ("if false; then set default=1; elif false; then set default=2; else set default=3; fi", "d"),
        ("if true; then if false; then set default=1; else set default=2; fi; else set default=3; fi", "c"),
    ],
)
def test_one_branch_is_taken(branches, kernel):
    following = read(f"{branches}\n{SEVERAL}", "", {}, "bios").next
    assert (following.entry.kernel, following.doubt) == (kernel, "")


def test_a_title_with_a_greater_than_sign():
    config = "set default='x>>y>2'\n" + ENTRY.format("other") + f"submenu 'x>y' {{\n{SEVERAL}}}\n"
    assert read(config, "", {}, "bios").next.entry.kernel == "c"
