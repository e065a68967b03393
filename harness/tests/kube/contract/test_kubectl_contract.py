"""How kubectl is called, and what becomes of each way in which it may fail."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.kube.kubectl import Kubectl, find

StandIns = Callable[[str], Any]
ECHO = "sys.stdout.write(sys.stdin.read().upper())"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")


def kubectl(path: Path, *files: str, namespace: str = "") -> Kubectl:
    return Kubectl(str(path), tuple(Path(file) for file in files), "lab", namespace)


def test_each_command_names_kubeconfig_context_and_namespace() -> None:
    plain = Kubectl("/bin/k", (Path("/a/config"),), "lab", "shop")
    assert plain.argv("get", "pods") == [
        *("/bin/k", "--kubeconfig", "/a/config", "--context", "lab", "--namespace", "shop", "get", "pods")
    ]


def test_a_command_for_another_process_ignores_kuberc_too() -> None:
    plain = Kubectl("/bin/k", (Path("/a/config"),), "lab")
    assert plain.by_itself("delete", "namespace", "a") == [
        *("/usr/bin/env", "KUBERC=off", "KUBECTL_KUBERC=false", *plain.argv("delete", "namespace", "a"))
    ]


def test_several_kubeconfigs_are_a_path_list_in_the_environment() -> None:
    several = Kubectl("/bin/k", (Path("/a"), Path("/b")), "lab")
    assert several.argv("version") == ["env", "KUBECONFIG=/a:/b", "/bin/k", "--context", "lab", "version"]
    assert several.shown("version") == "kubectl --context lab version"


@pytest.mark.parametrize("elsewhere", [None, ""])
def test_without_a_home_nothing_is_kept_in_the_working_folder(elsewhere: str | None, monkeypatch: Any) -> None:
    monkeypatch.delenv("HOME")
    if elsewhere is not None:
        monkeypatch.setenv("HOME", elsewhere)
    command = Kubectl("/bin/k", (Path("/a"),), "lab", "shop")
    assert command.argv("get", "pods") == [
        *("/bin/k", "--kubeconfig", "/a", "--cache-dir", "/dev/null", "--context", "lab", "--namespace", "shop"),
        *("get", "pods"),
    ]
    # The command that is shown is for a user with a HOME.
    assert command.shown("get", "pods") == "kubectl --kubeconfig /a --context lab --namespace shop get pods"


def test_there_is_no_kubectl_without_a_context() -> None:
    with pytest.raises(ValueError, match="never used without a context"):
        Kubectl("/bin/k", (), "")


def test_exec_carries_standard_input_and_ends_its_own_options() -> None:
    prefix = Kubectl("/bin/k", (), "lab", "shop").exec_argv("client-0", "locust", "--", "python")
    assert prefix == (
        *("/bin/k", "--context", "lab", "--namespace", "shop"),
        *("exec", "-i", "client-0", "-c", "locust", "--", "--", "python"),
    )
    assert "-i" not in Kubectl("/bin/k", (), "lab").exec_argv("client-0", "locust", "true", stdin=False)


async def _run(command: Kubectl, *args: str, stdin: bytes = b"", timeout: float = 60) -> bytes:  # noqa: ASYNC109
    return await command.run(*args, stdin=stdin, timeout=timeout, what="asking")


def test_arguments_environment_and_input_arrive_as_given(stand_in: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    fake = stand_in(ECHO)
    words = ("apply", "-f", "-", "--label=a b;$(c)")
    said = asyncio.run(_run(kubectl(fake.path, "/a", "/b"), *words, stdin=b"lines of it\n" * 50_000))
    assert said == b"LINES OF IT\n" * 50_000
    [call] = fake.calls
    assert call["argv"] == ["--context", "lab", *words]
    assert call["env"]["KUBECONFIG"] == "/a:/b"
    assert call["env"]["HTTPS_PROXY"] == "http://127.0.0.1:3128"
    assert call["env"]["KUBERC"] == "off"


def test_a_failure_quotes_the_command_its_exit_code_and_what_it_said(stand_in: StandIns) -> None:
    fake = stand_in("print('half of it'); sys.stderr.write('Error: forbidden\\n'); sys.exit(3)")
    with pytest.raises(TargetError, match="asking failed") as caught:
        asyncio.run(_run(kubectl(fake.path), "get", "pods"))
    assert "exit code 3" in caught.value.message
    assert "get pods" in caught.value.detail
    assert "Error: forbidden" in caught.value.detail


def test_a_hang_is_ended_and_named(stand_in: StandIns) -> None:
    fake = stand_in("sys.stderr.write('connecting\\n'); sys.stderr.flush(); time.sleep(600)")
    began = time.monotonic()
    with pytest.raises(TargetError, match=r"asking: no end within 3 s") as caught:
        asyncio.run(_run(kubectl(fake.path), "get", "pods", timeout=3))
    assert time.monotonic() - began < 60
    assert "connecting" in caught.value.detail
    assert fake.alive() == []


def test_one_that_will_not_end_is_killed(stand_in: StandIns) -> None:
    fake = stand_in(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    )
    with pytest.raises(TargetError, match="no end within 1 s"):
        asyncio.run(_run(kubectl(fake.path), timeout=1))
    assert fake.alive() == []


def test_one_that_is_killed_is_no_success(stand_in: StandIns) -> None:
    fake = stand_in("print('{}', flush=True); os.kill(os.getpid(), 9)")
    with pytest.raises(TargetError, match=r"asking failed \(exit code 137\)"):
        asyncio.run(_run(kubectl(fake.path)))


def test_one_that_does_not_read_its_input_still_answers(stand_in: StandIns) -> None:
    fake = stand_in("print('done')")
    assert asyncio.run(_run(kubectl(fake.path), stdin=b"x" * 5_000_000)) == b"done\n"


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="asking failed") as caught:
        asyncio.run(_run(kubectl(tmp_path / "nothing")))
    assert "No such file" in caught.value.detail


def test_garbage_instead_of_json_is_reported_with_its_beginning(stand_in: StandIns) -> None:
    fake = stand_in("print('<html>Sign in</html>')")
    with pytest.raises(TargetError, match="its answer is no JSON") as caught:
        asyncio.run(kubectl(fake.path).json("get", "pods", timeout=60, what="asking"))
    assert "<html>Sign in" in caught.value.detail


def test_a_command_ends_with_whoever_waits_for_it(stand_in: StandIns) -> None:
    fake = stand_in("print('x', flush=True); time.sleep(600)")

    async def cancelled() -> None:
        task = asyncio.ensure_future(_run(kubectl(fake.path), timeout=60))
        while not fake.calls:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(cancelled())
    assert fake.alive() == []


def test_a_command_ends_when_the_harness_is_killed(stand_in: StandIns, tmp_path: Path) -> None:
    fake = stand_in("time.sleep(600)")
    program = f"""
        import asyncio
        from meshproof.targets.kube.kubectl import Kubectl
        asyncio.run(Kubectl({str(fake.path)!r}, (), "lab").run("get", timeout=600, what="asking"))
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    try:
        _eventually(lambda: bool(fake.calls))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait(10)
    _eventually(lambda: fake.alive() == [])


VERSION = 'print(\'{{"clientVersion": {{"gitVersion": "{}"}}}}\')'


def test_kubectl_is_found_with_its_version(stand_in: StandIns) -> None:
    fake = stand_in(VERSION.format("v1.34.4"))
    assert asyncio.run(find(str(fake.path), 60)) == (str(fake.path), "v1.34.4")
    assert fake.calls[0]["argv"][-4:] == ["version", "--client", "-o", "json"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (VERSION.format("v1.19.16"), "is v1.19.16; 1.20 or newer is needed"),
        ("print('{}')", "does not tell its version: is it kubectl"),
        ("print('[1]')", "does not tell its version: is it kubectl"),
        ("print('busybox')", "its version: its answer is no JSON"),
        ("sys.exit('Illegal instruction')", "its version failed"),
        ("time.sleep(600)", "its version: no end within 1 s"),
    ],
)
def test_what_is_not_a_usable_kubectl_is_reported(stand_in: StandIns, body: str, words: str) -> None:
    limit = 1 if "no end" in words else 60
    with pytest.raises(TargetError, match=words):
        asyncio.run(find(str(stand_in(body).path), limit))


def test_a_missing_kubectl_is_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(TargetError, match="kubectl is not on PATH") as caught:
        asyncio.run(find("kubectl", 1))
    assert "kubernetes.io/docs/tasks/tools" in caught.value.detail


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
