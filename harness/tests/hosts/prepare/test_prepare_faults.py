"""Faults while a host is changed: no file is left incomplete, and the next run continues."""

import asyncio

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.targets.hosts.connection import connect
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.prepare import remote
from meshproof.targets.hosts.prepare.change import WriteFile
from meshproof.targets.hosts.prepare.steps import packages
from meshproof.targets.hosts.redaction import HostRedaction

from .conftest import deb
from .scratch_files import AFTER, BEFORE, CONSENT, WANTED, config, defaults, journal


def test_a_full_boot_disk_is_reported_and_leaves_the_old_configuration(scratch, go):
    before = config(scratch)
    scratch.run(
        "dd if=/dev/zero of=/boot/fill bs=1M 2>/dev/null || true; cat /dev/zero > /boot/fill2 2>/dev/null || true"
    )
    with pytest.raises(TargetError, match="disk is full"):
        go(scratch.inventory(WANTED))
    assert config(scratch) == before
    assert defaults(scratch) == AFTER
    assert journal(scratch)[-1]["state"] == "failed"
    scratch.run("rm /boot/fill /boot/fill2")
    with pytest.raises(UsageError, match=CONSENT):
        go(scratch.inventory(WANTED))
    assert 'set default="0"' in config(scratch)


def test_a_read_only_filesystem_is_reported_and_nothing_is_changed(scratch, go):
    scratch.run(
        "mount -o remount,ro /boot; mount --bind /etc/default /etc/default; mount -o remount,bind,ro /etc/default"
    )
    try:
        with pytest.raises(TargetError, match="mounted read-only"):
            go(scratch.inventory(WANTED))
        assert defaults(scratch) == BEFORE
    finally:
        scratch.run("umount /etc/default; mount -o remount,rw /boot")


def test_a_package_manager_in_use_is_reported_and_the_next_run_installs(scratch, go, back, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "APT_WAITS", ("-o", "DPkg::Lock::Timeout=1"))
    bundle = tmp_path / "bundle"
    (bundle / "kernel").mkdir(parents=True)
    deb(bundle / "kernel", "7.0.0-1-test")
    scratch.run(
        f"rm -f /root/held; setsid perl -e '{PERL_LOCK}' >/dev/null 2>&1 & "
        "n=0; while [ ! -e /root/held ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done; test -e /root/held"
    )
    inventory = scratch.inventory("{modules: []}")
    with pytest.raises(TargetError, match="in use by another process"):
        go(inventory, bundle=str(bundle))
    scratch.run("kill $(cat /root/held)")
    with pytest.raises(UsageError, match=CONSENT):
        go(inventory, bundle=str(bundle))
    assert "installed" in scratch.run("dpkg-query -W -f '${Status}' linux-image-7.0.0-1-test")
    assert "vmlinuz-7.0.0-1-test" in config(scratch)
    back(inventory)
    assert "installed" not in scratch.run("dpkg-query -W -f '${Status}' linux-image-7.0.0-1-test 2>&1", check=False)


PERL_LOCK = (
    'use Fcntl; open(F,">>/var/lib/dpkg/lock-frontend"); $l=pack("ssx4qqi",F_WRLCK,0,0,0,0); fcntl(F,F_SETLK,$l) '
    'or die; open(H,">/root/held.new"); print H $$; close H; rename "/root/held.new","/root/held"; sleep 60'
)


def test_a_user_who_may_not_become_root_is_reported(scratch, go):
    scratch.run("id plain >/dev/null 2>&1 || useradd --create-home --password '*' plain")
    with pytest.raises(TargetError, match="not root"):
        go(scratch.inventory(WANTED, user="plain"))
    scratch.run(
        "printf '#!/bin/sh\\necho sudo: a password is required >&2; exit 1\\n' > /usr/bin/sudo; chmod 755 /usr/bin/sudo"
    )
    inventory = scratch.inventory(WANTED, user="plain")
    inventory.write_text(inventory.read_text().replace("role: worker", "become: true, role: worker"))
    with pytest.raises(TargetError, match="without a password"):
        go(inventory)
    assert defaults(scratch) == BEFORE
    assert journal(scratch) == []


def test_a_file_that_somebody_changed_since_is_not_restored(scratch, go, back):
    with pytest.raises(UsageError, match=CONSENT):
        go(scratch.inventory(WANTED))
    scratch.run("echo GRUB_TIMEOUT=9 >> /etc/default/grub")
    with pytest.raises(TargetError, match="changed by somebody else since") as caught:
        back(scratch.inventory(WANTED))
    assert "/var/lib/meshproof/backup/etc/default/grub" in str(caught.value)
    assert "GRUB_TIMEOUT=9" in defaults(scratch)
    scratch.run("sed -i '/GRUB_TIMEOUT=9/d' /etc/default/grub")
    back(scratch.inventory(WANTED))
    assert defaults(scratch) == BEFORE


def test_a_file_that_changes_after_the_plan_is_not_written(scratch, tmp_path):
    async def preparation():
        read = load_inventory(scratch.inventory())
        connection = await connect(read.hosts[0], read.ssh, tmp_path, Timeouts(), HostRedaction.of(read))
        try:
            await remote.write_file(connection, WriteFile("/etc/default/grub", b"new\n", b"what it was not\n", ""))
        finally:
            await connection.close()

    with pytest.raises(TargetError, match="changed by somebody else meanwhile"):
        asyncio.run(preparation())
    assert defaults(scratch) == BEFORE


def test_a_link_stays_a_link_and_permissions_stay(scratch, go):
    scratch.run(
        "mv /etc/default/grub /etc/grub-elsewhere; chmod 640 /etc/grub-elsewhere; "
        "ln -s ../grub-elsewhere /etc/default/grub"
    )
    with pytest.raises(UsageError, match=CONSENT):
        go(scratch.inventory(WANTED))
    assert scratch.run("readlink /etc/default/grub; stat -c %a /etc/grub-elsewhere") == "../grub-elsewhere\n640"
    assert defaults(scratch) == AFTER


def test_two_runs_of_one_machine_do_not_change_the_same_host(scratch, preparation):
    one, _ = preparation(scratch.inventory(WANTED))

    async def both():
        async with one._on(one.inventory.hosts[0], scratch.folder):
            await one.prepare(apply=True)

    with pytest.raises(UsageError, match="being changed by another run"):
        asyncio.run(both())
