"""The running kernel, and the one that is booted next: the order of lines, stale configurations."""

from dataclasses import replace

import pytest
from meshproof.border.facts.boot import Assignment, BootFacts, MenuEntry, NextBoot
from meshproof.border.inventory import HostExpectation
from meshproof.judge.hosts import GrubDefault, RunningKernel
from meshproof.judge.hosts import NextBoot as NextBootCheck
from meshproof.judge.hosts.kernel import kernel_is

FILE = "/etc/default/grub"
NEW, OLD = "5.4.119-1.el7.elrepo.x86_64", "3.10.0-1160.el7.x86_64"


def lines(*values):
    return tuple(Assignment(FILE, number, value) for number, value in enumerate(values, 1))


@pytest.mark.parametrize(
    ("assignments", "configured", "outcome", "words"),
    [
        (lines("saved", "0"), "0", "passed", f"{FILE}:2: GRUB_DEFAULT=0, over {FILE}:1: GRUB_DEFAULT=saved"),
        (lines("0", "saved"), "${saved_entry}", "failed", f"{FILE}:1: GRUB_DEFAULT=0 has no effect: {FILE}:2"),
        (lines("0", "saved"), "0", "failed", "has no effect"),
        (lines("saved"), "${saved_entry}", "passed", "GRUB_DEFAULT=saved"),
        (lines("saved", "saved"), "${saved_entry}", "passed", "GRUB_DEFAULT=saved"),
        (lines("saved", "0"), "${saved_entry}", "failed", "was not built from it"),
        (lines("saved"), "0", "failed", "was not built from it"),
        (lines("1>2"), "1>2", "passed", "1>2"),
        ((), "0", "passed", "is not set, which means 0"),
        (lines(""), "0", "passed", "GRUB_DEFAULT="),
        (lines("saved"), "", "inconclusive", "sets no default"),
    ],
)
def test_the_order_of_lines(assignments, configured, outcome, words, judged):
    boot = BootFacts("bios", "/boot/grub2/grub.cfg", "", assignments, configured)
    found, reason = judged(GrubDefault(), boot=boot)
    assert (found, words in reason) == (outcome, True), reason


@pytest.mark.parametrize(
    ("kernel", "different", "outcome", "words"),
    [
        (NEW, {}, "passed", f"{NEW} is booted next (why)"),
        (OLD, {}, "failed", f"{OLD} is booted next (why), and 5.4 is expected"),
        (NEW, {"once": True}, "passed", "why, this once"),
        (NEW, {"doubt": "a custom.cfg"}, "inconclusive", "but a custom.cfg"),
        ("5.4.200", {}, "failed", "/boot has no such kernel"),
        ("", {}, "inconclusive", "which names no kernel"),
    ],
)
def test_what_is_booted_next(kernel, different, outcome, words, judged, conforming):
    following = replace(NextBoot(MenuEntry("0", "title", "id", kernel), "why"), **different)
    found, reason = judged(NextBootCheck(), boot=replace(conforming.boot, next=following))
    assert (found, words in reason) == (outcome, True), reason


def test_a_boot_loader_that_cannot_be_read_is_inconclusive(judged):
    for check in (GrubDefault(), NextBootCheck()):
        outcome, reason = judged(check, boot=BootFacts("bios", unseen="no sudo"))
        assert (outcome, "no sudo" in reason) == ("inconclusive", True)


def test_another_kernel_runs(judged, conforming):
    outcome, reason = judged(RunningKernel(), system=replace(conforming.system, kernel=OLD))
    assert outcome == "failed"
    assert f"{NEW} is installed and would need a boot" in reason
    outcome, reason = judged(RunningKernel(), expect=HostExpectation(kernel="6.1"))
    assert "no such kernel is installed" in reason


@pytest.mark.parametrize(
    ("wanted", "release", "yes"),
    [
        ("5.4", NEW, True), ("5.4", "5.40.1", False), (NEW, NEW, True), (">=4.19", NEW, True), (">=4.19", OLD, False),
        (">= 5.4.119", NEW, True), (">=5.4.120", NEW, False), (">=6", "6.1.0-49-cloud-amd64", True),
        ("5.4.1", NEW, False),
    ],
)  # fmt: skip
def test_expected_kernels(wanted, release, yes):
    assert kernel_is(wanted, release) is yes
