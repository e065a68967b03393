"""How long a host may say nothing before it counts as lost: one with too much to do answers late."""

import asyncio
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from meshproof.border.inventory import HostEntry, HostExpectation, Jump, SshSettings
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location, TargetError
from meshproof.targets.hosts import argv

HOST = HostEntry(
    "h", "worker-1", "worker", "127.0.0.1", 22, "root", None, None, False, HostExpectation(), Location("f", 1, 1)
)


@pytest.mark.parametrize(("silent", "unanswered"), [(15, 3), (300, 60), (1, 1)])
@pytest.mark.parametrize("jump", [None, Jump("bastion")])
def test_every_connection_bears_as_much_silence_as_is_said(jump, silent, unanswered):
    host, limits = replace(HOST, jump=jump), replace(Timeouts(), ssh_silent=silent)
    place, settings = Path("s"), SshSettings(None, None)
    for words in (
        argv.master(host, settings, place, limits),
        argv.lasting(host, settings, place, 60, limits),
        argv.alone(host, settings, "true", limits),
    ):
        assert " ".join(words).count(f"ServerAliveCountMax={unanswered}") == (2 if jump else 1)


@pytest.mark.long
@pytest.mark.parametrize(("silent", "lost"), [(5, True), (60, False)])
def test_a_host_that_is_silent_for_fifteen_seconds(sshd, short, open_connection, silent, lost):
    async def asked():
        async with open_connection(sshd.inventory(short), short, ssh_silent=silent) as connection:
            stopped = psutil.Process(sshd.process.pid).children(recursive=True)
            for one in stopped:
                one.suspend()
            answer = asyncio.ensure_future(connection.run("echo there"))
            try:
                await asyncio.wait([answer], timeout=15)
            finally:
                for one in stopped:
                    one.resume()
            return (await answer).text

    if lost:
        with pytest.raises(TargetError, match="SSH connection was lost"):
            asyncio.run(asyncio.wait_for(asked(), 120))
    else:
        assert asyncio.run(asyncio.wait_for(asked(), 120)) == "there\n"
