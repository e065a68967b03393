"""Plans are made from a survey of a host, and hold no wrong changes."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.errors import TargetError
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.steps.boot import BootLoaderStep, RebootStep
from meshproof.targets.hosts.prepare.steps.grub_default import MAIN, DefaultFile, with_default
from meshproof.targets.hosts.prepare.survey import parse as parse_survey

from .surveyed_host import NEW, OLD, entry, host


def last(text, tmp_path):
    """The value after a shell has sourced the file."""
    (tmp_path / "grub").write_text(text)
    done = subprocess.run(["sh", "-c", f'. {tmp_path}/grub; printf %s "$GRUB_DEFAULT"'], capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("GRUB_DEFAULT=saved\nX=1\n", "GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\nX=1\n"),
        # The wanted line is there, and has no effect because a later one wins.
        ("GRUB_DEFAULT=0\nGRUB_DEFAULT=saved\nX=1\n", "GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\nX=1\n"),
        ("X=1", "X=1\nGRUB_DEFAULT=0\n"),
        ("", "GRUB_DEFAULT=0\n"),
        ('export GRUB_DEFAULT="1>2" # why\n', 'export GRUB_DEFAULT="1>2" # why\nGRUB_DEFAULT=0\n'),
        ("#GRUB_DEFAULT=0\nGRUB_DEFAULT='saved'", "#GRUB_DEFAULT=0\nGRUB_DEFAULT='saved'\nGRUB_DEFAULT=0\n"),
        (
            "if false; then\n  GRUB_DEFAULT=saved\nfi\nX=1\n",
            "if false; then\n  GRUB_DEFAULT=saved\nfi\nX=1\nGRUB_DEFAULT=0\n",
        ),
        ('GRUB_DEFAULT="sa\\\nved"\nX=1\n', 'GRUB_DEFAULT="sa\\\nved"\nGRUB_DEFAULT=0\nX=1\n'),
    ],
)
def test_the_last_assignment_becomes_the_wanted_one(before, after, tmp_path):
    changed = with_default([DefaultFile(MAIN, before)], "0")
    assert changed == DefaultFile(MAIN, after)
    assert last(changed.text, tmp_path) == "0"
    assert with_default([changed], "0") is None


def test_an_assignment_in_a_later_file_is_changed_there():
    cloud = DefaultFile("/etc/default/grub.d/50-cloudimg.cfg", "GRUB_DEFAULT=saved\n")
    changed = with_default([DefaultFile(MAIN, "GRUB_DEFAULT=0\n"), cloud], "0")
    assert changed == replace(cloud, text="GRUB_DEFAULT=saved\nGRUB_DEFAULT=0\n")


def test_the_position_in_a_submenu_is_quoted(tmp_path):
    changed = with_default([DefaultFile(MAIN, "GRUB_DEFAULT=0\n")], "1>2")
    assert last(changed.text, tmp_path) == "1>2"


def test_nothing_is_done_where_the_wanted_kernel_comes_next_and_runs():
    here = host(default="0", kernel=NEW)
    assert BootLoaderStep().plan(here, entry(), DesiredState()).empty
    assert RebootStep().plan(here, entry(), DesiredState()).empty
    assert BootLoaderStep().plan(host(), entry(kernel=""), DesiredState()).empty


def test_a_line_without_effect_is_reported():
    here = host(defaults=(DefaultFile(MAIN, "GRUB_DEFAULT=0\nGRUB_DEFAULT=saved\n"),))
    plan = BootLoaderStep().plan(here, entry(), DesiredState())
    assert "GRUB_DEFAULT=0 is there already and has no effect" in plan.notices[0]
    assert "/etc/default/grub:2" in plan.notices[0]


def test_an_older_kernel_is_set_by_its_position_and_not_by_its_rescue_entry():
    plan = BootLoaderStep().plan(host(default="0", kernel=NEW), entry(kernel=OLD), DesiredState())
    assert b"GRUB_DEFAULT=2\n" in plan.changes[0].content
    assert "is newer" in plan.notices[0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"once": "old"}, "next boot alone"),
        ({"menu": None}, "no configuration of GRUB"),
    ],
)
def test_an_undecidable_menu_is_not_changed(more, words):
    here = replace(host(once=more.pop("once", "")), **more)
    plan = BootLoaderStep().plan(here, entry(), DesiredState())
    assert words in plan.blocked[0]
    assert not plan.changes


@pytest.mark.parametrize(
    ("tools", "config", "command"),
    [
        ({"grub-mkconfig"}, "/boot/grub/grub.cfg", "run grub-mkconfig -o /boot/grub/grub.cfg"),
        ({"grub2-mkconfig"}, "/boot/grub2/grub.cfg", "run grub2-mkconfig -o /boot/grub2/grub.cfg"),
        ({"grub2-mkconfig"}, "/boot/efi/EFI/centos/grub.cfg", "run grub2-mkconfig -o /boot/efi/EFI/centos/grub.cfg"),
    ],
)
def test_the_configuration_is_rebuilt_where_grub_reads_it(tools, config, command):
    plan = BootLoaderStep().plan(host(tools=frozenset(tools), config=config), entry(), DesiredState())
    assert plan.changes[-1].lines()[0].startswith(command)
    assert config in plan.changes[-1].saves


def test_a_reboot_needs_consent():
    plan = RebootStep().plan(host(kubelet=True), entry(), DesiredState())
    assert "--allow-reboot" in plan.blocked[0]
    assert "drain the node first" in plan.notices[0]
    (change,) = RebootStep().plan(host(), entry(), DesiredState(allow_reboot=True)).changes
    assert (change.release, change.boot_id) == (NEW, "one")


def test_an_incomplete_survey_is_an_error():
    with pytest.raises(TargetError, match="was interrupted"):
        parse_survey("root\tMAo=\n", "worker-1")
    with pytest.raises(TargetError, match="not root"):
        parse_survey("root\tMTAwMAo=\nend\tZW5kCg==\n", "worker-1")


def test_plans_have_a_description_for_the_user(tmp_path):
    plan = BootLoaderStep().plan(host(), entry(), DesiredState())
    assert plan.changes[0].lines() == [
        f"edit {MAIN}: the last GRUB_DEFAULT must be 0, which starts {NEW}",
        "    @@ -1,2 +1,3 @@", "     GRUB_DEFAULT=saved", "    +GRUB_DEFAULT=0", "     GRUB_TIMEOUT=5",
    ]  # fmt: skip
    assert Path(plan.changes[1].argv[-1]) == Path("/boot/grub/grub.cfg")
