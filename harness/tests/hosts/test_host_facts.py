"""Facts read from the texts of a host's files and commands."""

import pytest
from meshproof.targets.hosts.facts import modules
from meshproof.targets.hosts.facts.registry import quoted
from meshproof.targets.hosts.facts.system import cgroup, installed, os_release, swap_entries


def test_os_release():
    text = 'NAME="CentOS Linux"\nVERSION_ID="7"\nID=centos\n# x\nPRETTY_NAME=\'a b\'\nODD="unclosed\n'
    assert os_release(text)["ID"] == "centos"
    assert os_release(text)["VERSION_ID"] == "7"
    assert os_release(text)["PRETTY_NAME"] == "a b"


def test_installed_kernels_are_no_rescue_images():
    listing = "config-5.4\nvmlinuz-5.4.119\nvmlinuz\n"
    listing += "vmlinuz-0-rescue-01\nvmlinuz-3.10.0\nvmlinuz-3.10.0.old\n.vmlinuz-3.10.0.hmac"
    assert installed(listing) == {"5.4.119", "3.10.0"}


@pytest.mark.parametrize(
    ("mounts", "version"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", 2),
        ("tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n", 1),
        ("cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n", 1),
        ("proc /proc proc rw 0 0\n", 0),
    ],
)
def test_control_groups(mounts, version):
    assert cgroup(mounts) == version


def test_swap_that_an_fstab_brings_back():
    text = "# /dev/sda1 none swap sw 0 0\n"
    text += "/dev/sda2 none swap sw 0 0\nUUID=1 none swap noauto,sw 0 0\n/dev/sda3 / ext4 rw 0 1\n"
    assert swap_entries(text) == ["/dev/sda2"]


@pytest.mark.parametrize(
    ("texts", "file"),
    [
        ({"/etc/modules-load.d/a.conf": "ip_vs\n"}, "/etc/modules-load.d/a.conf"),
        ({"/etc/modules-load.d/a.conf": "# ip_vs\n;ip_vs\n"}, ""),
        ({"/etc/modules-load.d/a.conf": "ip_vs_rr\n"}, ""),
        ({"/usr/lib/modules-load.d/a.conf": "ip-vs\n"}, "/usr/lib/modules-load.d/a.conf"),
        # An empty file of the same name in /etc hides the distribution's.
        ({"/etc/modules-load.d/a.conf": "", "/usr/lib/modules-load.d/a.conf": "ip_vs\n"}, ""),
        ({"/etc/modules": "loop\nip_vs\n"}, "/etc/modules"),
        # systemd takes a whole line for one name.
        ({"/etc/modules-load.d/a.conf": "ip_vs ip_vs_rr\n"}, ""),
        ({"/etc/modules-load.d/a.conf": "ip_vs ip_vs_rr\n  ip_vs\t\n"}, "/etc/modules-load.d/a.conf"),
        ({"/etc/modules-load.d/a.conf": "ip_vs # for services\n"}, ""),
        (
            {"/etc/sysconfig/modules/ipvs.modules": "#!/bin/bash\nmodprobe -- ip_vs\n"},
            "/etc/sysconfig/modules/ipvs.modules",
        ),
        ({"/etc/sysconfig/modules/ipvs.modules": "#!/bin/bash\nmodprobe -- ip_vs_rr\n"}, ""),
    ],
)
def test_which_file_loads_a_module_at_boot(texts, file):
    assert modules.persisted("ip_vs", texts) == file


def test_which_file_blacklists_a_module():
    texts = {
        "/etc/modprobe.d/x.conf": "# blacklist ip_vs\nblacklist ip-vs\n",
        "/lib/modprobe.d/y.conf": "blacklist a\n",
    }
    assert modules.blacklisted("ip_vs", texts) == "/etc/modprobe.d/x.conf"
    assert modules.blacklisted("ip_vs_rr", texts) == ""


def test_values_are_escaped_in_curls_configuration():
    assert quoted('a"b\\c\nurl = "x') == '"a\\"b\\\\c\\nurl = \\"x"'
