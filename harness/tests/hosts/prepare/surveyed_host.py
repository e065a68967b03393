"""A host as its survey tells of it."""

from meshproof.border.inventory import HostEntry, HostExpectation
from meshproof.errors import Location
from meshproof.targets.hosts.grub import menu
from meshproof.targets.hosts.prepare.steps.grub_default import MAIN, DefaultFile
from meshproof.targets.hosts.prepare.survey import Survey

OLD, NEW, EL = "5.10.0-1-amd64", "6.1.0-2-amd64", "5.4.119-1.el7.elrepo.x86_64"


CONFIG = """
load_env
if [ "${next_entry}" ] ; then set default="${next_entry}"; set boot_once=true; else set default="DEFAULT"; fi
menuentry 'A' --id new { linux /vmlinuz-6.1.0-2-amd64 root=/dev/sda1 }
menuentry 'A (recovery mode)' --id old-rescue { linux /vmlinuz-5.10.0-1-amd64 single }
menuentry 'B' --id old { linux /vmlinuz-5.10.0-1-amd64 root=/dev/sda1 }
"""


def entry(kernel=NEW, modules=("ip_vs", "nf_conntrack"), role="worker"):
    expect = HostExpectation(kernel=kernel, modules=modules)
    return HostEntry("h", "worker-1", role, "127.0.0.1", 22, "root", None, None, False, expect, Location("f", 1, 1))


def host(default="${saved_entry}", saved="old", once="", **more):
    block = f"# GRUB Environment Block\nsaved_entry={saved}\n" + (f"next_entry={once}\n" if once else "")
    read = menu.read(CONFIG.replace("DEFAULT", default), block, {}, "bios")
    known = {
        "boot_id": "one", "kernel": OLD, "arch": "x86_64", "distribution": "debian 12", "uefi": False,
        "tools": frozenset({"apt-get", "dpkg", "grub-mkconfig"}),
        "defaults": (DefaultFile(MAIN, "GRUB_DEFAULT=saved\nGRUB_TIMEOUT=5\n"),),
        "config": "/boot/grub/grub.cfg", "environment": "/boot/grub/grubenv", "menu": read, "installed": (OLD, NEW),
        "packages": frozenset(), "unfinished": False, "loaded": frozenset({"ip_vs"}), "builtin": frozenset(),
        "loadable": frozenset({"nf_conntrack"}),
    }  # fmt: skip
    return Survey(**{**known, **more})
