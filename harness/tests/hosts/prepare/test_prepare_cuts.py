"""The connection to a host is cut in every step: files are complete, and the next run continues."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import MeshproofError, TargetError, UsageError
from meshproof.targets.hosts.bundle.source import sha256
from meshproof.targets.hosts.connection import connect
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.prepare import remote, scripts
from meshproof.targets.hosts.prepare.change import Command, Upload
from meshproof.targets.hosts.redaction import HostRedaction

sys.path.insert(0, str(Path(__file__).parent.parent / "proxy"))

from cutting_proxy import cutting_proxy

from .conftest import deb
from .scratch_files import AFTER, BEFORE, CONSENT, WANTED, config, defaults, journal, whole


def test_a_connection_that_is_cut_anywhere_leaves_complete_files_and_the_next_run_goes_on(scratch, go):
    with cutting_proxy(scratch.port) as proxy:
        inventory = scratch.inventory(WANTED, port=proxy.port)
        # Where the connection is cut, in bytes: the login takes about 7,000, all of it about 80,000.
        for limit in (5_000, 15_000, 25_000, 40_000, 55_000):
            proxy.limit = limit
            with pytest.raises(MeshproofError) as caught:
                go(inventory)
            assert "SSH connection" in str(caught.value) or CONSENT in str(caught.value)
            whole(scratch)
        proxy.limit = None
        with pytest.raises(UsageError, match=CONSENT):
            go(inventory)
    assert proxy.cuts
    assert defaults(scratch) == AFTER
    assert 'set default="0"' in config(scratch)
    states = [entry["state"] for entry in journal(scratch)]
    assert states.count("done") == 2


def cutting(proxy, one, at, after):
    """The preparation's connection is cut `after` so many more bytes, once a line of its progress has the text `at`."""

    def tell(line):
        if at in line:
            proxy.cut_after(after)

    one.tell, proxy.limit = tell, None
    return one


def test_in_each_step_a_cut_is_reported_and_the_next_run_goes_on(scratch, preparation, go, back, tmp_path):
    bundle = tmp_path / "bundle"
    (bundle / "kernel").mkdir(parents=True)
    deb(bundle / "kernel", "7.0.0-1-test")
    stopped = []
    with cutting_proxy(scratch.port) as proxy:
        inventory = scratch.inventory(port=proxy.port)
        # Cut at once, the host gets nothing of the change; some bytes later it has part of the script.
        for at, after in (
            (": copy linux-image", 0),
            (": copy linux-image", 4_000),
            (": run DEBIAN_FRONTEND", 3_000),
            (": edit /etc/default/grub", 3_000),
            (": run grub-mkconfig", 3_000),
        ):
            one = cutting(proxy, preparation(inventory, bundle=str(bundle))[0], at, after)
            with pytest.raises(TargetError, match="SSH connection was lost"):
                asyncio.run(asyncio.wait_for(one.prepare(apply=True), 120))
            whole(scratch)
            here = json.loads((tmp_path / "state/scratch.ndjson").read_text().splitlines()[-1])
            stopped.append((here["step"], here["state"]))
    assert {state for _, state in stopped} <= {"begun", "failed"}
    assert [step for step, _ in stopped] == ["kernel packages"] * 3 + ["boot loader"] * 2
    with pytest.raises(UsageError, match=CONSENT):
        go(scratch.inventory(), bundle=str(bundle))
    assert defaults(scratch) == AFTER
    assert "vmlinuz-7.0.0-1-test" in config(scratch)
    back(scratch.inventory())
    assert defaults(scratch) == BEFORE


def test_a_restore_that_is_cut_is_reported_and_the_next_run_goes_on(scratch, preparation, go, back):
    before = config(scratch)
    with pytest.raises(UsageError, match=CONSENT):
        go(scratch.inventory(WANTED))
    with cutting_proxy(scratch.port) as proxy:
        inventory = scratch.inventory(WANTED, port=proxy.port)
        for at, after in (("grub.cfg is as", 0), ("default/grub is as", 0)):
            one = cutting(proxy, preparation(inventory)[0], at, after)
            with pytest.raises(TargetError, match="SSH connection was lost"):
                asyncio.run(asyncio.wait_for(one.restore(apply=True), 120))
            whole(scratch)
    back(scratch.inventory(WANTED))
    assert (defaults(scratch), config(scratch)) == (BEFORE, before)
    undone, _ = back(scratch.inventory(WANTED), apply=False)
    assert undone[0].lines == ()


def test_a_command_continues_without_its_connection_and_is_not_started_twice(scratch, tmp_path, monkeypatch):
    slow = Command(
        ("sh", "-c", "echo began >> /root/count; until [ -e /root/go ]; do sleep 0.1; done; echo ended >> /root/count"),
        "slow",
        "package_install",
    )

    async def preparation():
        with cutting_proxy(scratch.port) as proxy:
            read = load_inventory(scratch.inventory(port=proxy.port))

            async def run(cut):
                connection = await connect(read.hosts[0], read.ssh, tmp_path, limits, HostRedaction.of(read))
                try:
                    work = asyncio.ensure_future(remote.command(connection, slow))
                    if cut:
                        until = (
                            "n=0; until grep -q began /root/count || [ $n -gt 400 ]; do sleep 0.05; n=$((n+1)); done"
                        )
                        await asyncio.to_thread(scratch.run, until + " 2>/dev/null")
                        proxy.cut()
                    await work
                finally:
                    await connection.close()

            with pytest.raises(TargetError, match="SSH connection was lost"):
                await run(True)
            monkeypatch.setattr(remote, "script", open_when_waited_for)
            await run(False)

    async def open_when_waited_for(connection, text, *args, **more):
        if text is scripts.WAIT:
            await asyncio.to_thread(scratch.run, "touch /root/go")
        return await plain(connection, text, *args, **more)

    plain = remote.script
    limits = replace(Timeouts(), package_install=30)
    asyncio.run(asyncio.wait_for(preparation(), 60))
    assert scratch.run("cat /root/count").split() == ["began", "ended"]


def test_an_upload_that_was_cut_continues_where_it_stopped(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "PIECE", 1 << 20)
    source = tmp_path / "file"
    source.write_bytes(bytes(range(256)) * 16384)
    change = Upload(source, "/usr/local/bin/uploaded", sha256(source), source.stat().st_size, "", 0o755)

    async def preparation():
        with cutting_proxy(scratch.port) as proxy:
            read = load_inventory(scratch.inventory(port=proxy.port))

            async def run():
                connection = await connect(read.hosts[0], read.ssh, tmp_path, Timeouts(), HostRedaction.of(read))
                try:
                    await remote.upload(connection, change, lambda _text: None)
                finally:
                    await connection.close()

            proxy.limit = 2_600_000
            with pytest.raises(TargetError, match="SSH connection was lost"):
                await run()
            assert scratch.run("test ! -e /usr/local/bin/uploaded && echo none") == "none"
            proxy.limit = None
            await run()
            return proxy.carried

    carried = asyncio.run(asyncio.wait_for(preparation(), 60))
    assert carried[-1] < 3_000_000
    assert scratch.run("stat -c '%s %a' /usr/local/bin/uploaded") == f"{source.stat().st_size} 755"
