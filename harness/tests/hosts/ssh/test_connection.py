"""Connections to a real sshd: refusals, lost connections, limits, and that nothing is left behind."""

import asyncio
import os
import socket
import time

import psutil
import pytest
from meshproof.errors import TargetError


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


def test_commands_share_one_connection(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            before = sshd.log.read_text().count("Accepted publickey")
            first = await connection.run("printf %s; echo odd >&2; exit 3", 'it\'s $HOME "quoted"\n')
            many = await asyncio.gather(*(connection.run(f"echo {n}") for n in range(20)))
            return first, [one.text.strip() for one in many], sshd.log.read_text().count("Accepted publickey") - before

    first, many, more = run(preparation())
    assert (first.code, first.text, first.stderr) == (3, 'it\'s $HOME "quoted"\n', "odd\n")
    assert many == [str(n) for n in range(20)]
    assert more == 0


def test_input_and_output_are_bytes(sshd, short, open_connection):
    content = bytes(range(256)) * 5000
    (short / "file").write_bytes(content)

    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return [await connection.must("cat", stdin=stdin) for stdin in (content, short / "file", b"")]

    assert run(preparation()) == [content, content, b""]


def test_an_unknown_host_key_is_refused_and_not_learnt(sshd, short, open_connection):
    known = short / "known_hosts"
    known.write_text("")
    config = short / "config"
    config.write_text("Host *\n  StrictHostKeyChecking no\n  IdentityAgent none\n")
    inventory = sshd.inventory(short)
    inventory.write_text(
        inventory.read_text().replace(str(sshd.known_hosts), str(known)).replace(str(sshd.config), str(config))
    )

    async def preparation():
        async with open_connection(inventory, short):
            pass

    with pytest.raises(TargetError, match="worker-1: no SSH connection") as caught:
        run(preparation())
    assert "Host key verification failed" in str(caught.value)
    assert known.read_text() == ""


def test_another_key_of_a_known_host_is_refused(sshd, short, open_connection):
    words = sshd.known_hosts.read_text().split()
    other = (sshd.key.with_suffix(".pub")).read_text().split()[1]
    (short / "known").write_text(f"{words[0]} {words[1]} {other}\n")
    inventory = sshd.inventory(short)
    inventory.write_text(inventory.read_text().replace(str(sshd.known_hosts), str(short / "known")))

    async def preparation():
        async with open_connection(inventory, short):
            pass

    with pytest.raises(TargetError, match="REMOTE HOST IDENTIFICATION HAS CHANGED"):
        run(preparation())


def test_a_refused_login_is_reported_without_the_address(sshd, short, open_connection):
    inventory = sshd.inventory(short)
    inventory.write_text(inventory.read_text().replace(f"user: {sshd.user}", "user: nobody"))

    async def preparation():
        async with open_connection(inventory, short):
            pass

    with pytest.raises(TargetError, match="Permission denied"):
        run(preparation())


def test_a_command_that_hangs_is_named(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            with pytest.raises(TargetError, match=r"worker-1: the long sleep did not end within 0.3 s"):
                await connection.run("sleep 20", seconds=0.3, what="the long sleep")
            return await connection.must("echo still here")

    assert run(preparation()) == b"still here\n"


def test_a_port_that_answers_nothing_is_given_up(sshd, short, open_connection):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        inventory = sshd.inventory(short)
        inventory.write_text(inventory.read_text().replace(f"port: {sshd.port}", f"port: {silent.getsockname()[1]}"))

        async def preparation():
            async with open_connection(inventory, short, ssh_connected=1.0):
                pass

        with pytest.raises(TargetError, match="no SSH connection"):
            run(preparation())


def test_exit_code_255_is_not_taken_for_a_lost_connection(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return await connection.run("exit 255")

    assert run(preparation()).code == 254


def test_a_connection_that_is_cut_is_reported_at_once_and_not_made_again(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            master = psutil.Process(connection._master.pid)
            waiting = asyncio.ensure_future(connection.run("sleep 20", what="the sleep"))
            await connection.must("true")
            for child in master.children(recursive=True):
                child.kill()
            began = time.monotonic()
            with pytest.raises(TargetError, match="lost before the end of the sleep"):
                await waiting
            with pytest.raises(TargetError, match="lost before the end of true"):
                await connection.run("true")
            return time.monotonic() - began

    assert run(preparation()) < 15


def test_testinfra_sees_the_host_through_the_same_connection(sshd, short, open_connection):
    def look(host):
        return host.file("/etc/passwd").contains("root"), host.sysctl("kernel.osrelease"), host.run("exit %s", "7").rc

    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return await connection.look(look)

    assert run(preparation()) == (True, os.uname().release, 7)


def test_closing_ends_what_is_under_way(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            looking = asyncio.ensure_future(connection.look(lambda host: host.run("sleep 20")))
            await connection.must("true")
            await connection.close()
            await asyncio.gather(looking, return_exceptions=True)
        return [one for one in psutil.Process().children(recursive=True) if one.name() == "ssh"]

    assert run(preparation()) == []
    assert [path.name for path in short.iterdir() if path.name.endswith((".ssh", ".err"))] == []


def test_through_a_jump_host_whose_key_is_checked_as_well(sshd, short, open_connection):
    jump = f"  jump: {{address: localhost, port: {sshd.port}, user: {sshd.user}, key: {sshd.key}}}\n"
    inventory = sshd.inventory(short, more=jump)

    async def preparation():
        async with open_connection(inventory, short) as connection:
            return await connection.must("echo $SSH_CONNECTION")

    with pytest.raises(TargetError, match="Host key verification failed"):
        run(preparation())
    known = sshd.known_hosts.read_text()
    (short / "known").write_text(known + known.replace("127.0.0.1", "localhost"))
    inventory.write_text(inventory.read_text().replace(str(sshd.known_hosts), str(short / "known")))
    before = sshd.log.read_text().count("Accepted publickey")
    assert run(preparation()).split()[3] == str(sshd.port).encode()
    assert sshd.log.read_text().count("Accepted publickey") - before == 2
