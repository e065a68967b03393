"""The files that a step changes on the scratch root, and their allowed contents."""

import json

from .conftest import NEW

WANTED = f'{{modules: [], kernel: "{NEW}"}}'
BEFORE = "GRUB_DEFAULT=saved\nGRUB_TIMEOUT=0\nGRUB_DISABLE_SUBMENU=y\nGRUB_DISABLE_OS_PROBER=true"
AFTER = BEFORE.replace("saved\n", "saved\nGRUB_DEFAULT=0\n")
CONSENT = "needs your consent"


def defaults(scratch):
    return scratch.run("cat /etc/default/grub")


def config(scratch):
    return scratch.run("cat /boot/grub/grub.cfg")


def journal(scratch):
    text = scratch.run("cat /var/lib/meshproof/journal.ndjson 2>/dev/null", check=False)
    return [json.loads(line) for line in text.splitlines()]


def whole(scratch):
    """Every file has either its old or its new content."""
    assert defaults(scratch) in (BEFORE, AFTER)
    assert config(scratch).endswith("### END /etc/grub.d/41_custom ###")
    assert scratch.run("find /etc/default /boot -name '*meshproof*.cfg'") == ""
