"""Steps really carried out on a scratch copy of this machine's root, through a real sshd."""

import pytest
from meshproof.errors import UsageError

from .conftest import NEW

WANTED = f'{{modules: [], kernel: "{NEW}"}}'


def next_kernel(scratch):
    return scratch.run("grep 'set default=' /boot/grub/grub.cfg")


def state(scratch):
    """The digest of each file that a step may touch."""
    folders = "boot etc/default etc/modules-load.d etc/profile.d var/lib/meshproof usr/local/bin/istioctl"
    lines = scratch.run(f"cd /; find {folders} -type f 2>/dev/null | xargs md5sum").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def without_journal(files):
    return {name: digest for name, digest in files.items() if name != "var/lib/meshproof/journal.ndjson"}


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(scratch, go):
    before = state(scratch)
    prepared, _ = go(scratch.inventory(WANTED), apply=False)
    assert state(scratch) == before
    loader = next(plan for plan in prepared.hosts[0].plans if plan.step == "boot loader")
    text = "\n".join(line for change in loader.changes for line in change.lines())
    assert "+GRUB_DEFAULT=0" in text
    assert "run grub-mkconfig -o /boot/grub/grub.cfg" in text


def test_the_boot_loader_starts_the_wanted_kernel_and_a_second_run_changes_nothing(scratch, go, back):
    before = state(scratch)
    with pytest.raises(UsageError, match=f"{NEW} runs after a reboot, which needs your consent"):
        go(scratch.inventory(WANTED))
    lines = scratch.run("cat /etc/default/grub").splitlines()
    assert lines.index("GRUB_DEFAULT=0") == lines.index("GRUB_DEFAULT=saved") + 1
    assert 'set default="0"' in next_kernel(scratch)
    done = state(scratch)
    with pytest.raises(UsageError):
        go(scratch.inventory(WANTED))
    assert state(scratch) == done
    undone, _ = back(scratch.inventory(WANTED), apply=False)
    assert "put /etc/default/grub back as it was" in undone[0].lines
    assert state(scratch) == done
    back(scratch.inventory(WANTED))
    assert without_journal(state(scratch)) == before
    undone, _ = back(scratch.inventory(WANTED), apply=False)
    assert undone[0].lines == ()
