"""How istioctl is called, and what becomes of each way in which it may fail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.targets.istio.istioctl import ForbiddenError, Istioctl, find

VERSION = 'tell({"clientVersion": {"version": "%s", "revision": "abc", "golang_version": "go1", "status": "Clean"}})'
BOAT = r"""
print("      /||    \\", "     / ||     \\", "/______||__________\\", "____________________", "Error: no", sep="\n")
sys.exit(1)
"""
LIMITS = Timeouts(istioctl_answer=20, istio_precheck=20, istio_install=20, istio_ready=15, istio_uninstall=20)


@pytest.fixture
def istioctl(programs: Any) -> Any:
    def make(body: str = "", version: str = "1.30.4", files: tuple[str, ...] = ("/a", "/b")) -> Istioctl:
        return Istioctl(programs.make("istioctl", body), version, tuple(Path(file) for file in files), "lab")

    return make


@pytest.mark.parametrize(
    ("act", "args"),
    [
        (lambda one: one.precheck(LIMITS), ["x", "precheck"]),
        (
            lambda one: one.install(("profile=demo", "hub=registry.example/library"), "", LIMITS),
            [
                *("install", "-y", "--set", "profile=demo", "--set", "hub=registry.example/library"),
                *("--readiness-timeout", "15s"),
            ],
        ),
        (
            lambda one: one.install(("profile=demo",), "canary", LIMITS),
            ["install", "-y", "--set", "profile=demo", "--revision", "canary", "--readiness-timeout", "15s"],
        ),
        (lambda one: one.uninstall("", LIMITS), ["uninstall", "--purge", "-y"]),
        (lambda one: one.uninstall("canary", LIMITS), ["uninstall", "--revision", "canary", "-y"]),
        (lambda one: one.analyze(LIMITS), ["analyze", "--all-namespaces", "--output", "json"]),
        (lambda one: one.proxy_status(LIMITS), ["proxy-status"]),
    ],
)
def test_each_command_names_its_context_and_asks_nothing(istioctl: Any, programs: Any, act: Any, args: Any) -> None:
    asyncio.run(act(istioctl("print('[]')")))
    (call,) = programs.calls()
    assert call["args"] == [*args, "--context", "lab"]
    assert call["stdin"] == ""


def test_before_1_15_the_removal_is_an_experimental_command(istioctl: Any, programs: Any) -> None:
    asyncio.run(istioctl(version="1.9.5").uninstall("", LIMITS))
    asyncio.run(istioctl(version="1.15.0").uninstall("", LIMITS))
    asyncio.run(istioctl(version="2.0.0").uninstall("", LIMITS))
    assert [call["args"][:-2] for call in programs.calls()] == [
        ["x", "uninstall", "--purge", "-y"],
        ["uninstall", "--purge", "-y"],
        ["uninstall", "--purge", "-y"],
    ]


def test_the_environment_names_the_kubeconfigs_and_nothing_that_stands_for_a_flag(
    istioctl: Any, programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTIOCTL_ISTIONAMESPACE", "elsewhere")
    monkeypatch.setenv("KUBECONFIG", "/my/own")
    monkeypatch.setenv("TERM", "xterm-256color")
    asyncio.run(istioctl().run("version", timeout=20, what="asking"))
    asyncio.run(istioctl(files=()).run("version", timeout=20, what="asking"))
    first, second = (call["env"] for call in programs.calls())
    assert (first["KUBECONFIG"], second["KUBECONFIG"]) == ("/a:/b", "/my/own")
    assert (first["TERM"], first["NO_COLOR"]) == ("dumb", "1")
    assert "ISTIOCTL_ISTIONAMESPACE" not in first


def test_there_is_no_istioctl_without_a_context() -> None:
    with pytest.raises(ValueError, match="never used without a context"):
        Istioctl("/bin/istioctl", "1.30.4", (), "")


def test_its_own_version_is_asked_without_a_cluster(programs: Any) -> None:
    path = programs.make("istioctl", VERSION % "1.9.5")
    found = asyncio.run(find(path, (), "lab", LIMITS))
    assert (found.binary, found.version, found.context) == (path, "1.9.5", "lab")
    assert [call["args"] for call in programs.calls()] == [["version", "--remote=false", "--output", "json"]]


def test_it_is_found_on_path(programs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = programs.make("istioctl", VERSION % "1.30.4")
    monkeypatch.setenv("PATH", f"{programs.folder}")
    assert asyncio.run(find("istioctl", (), "lab", LIMITS)).binary == path


@pytest.mark.parametrize(
    ("binary", "reported"),
    [("istioctl-nosuch", "it is not on PATH"), ("/nosuch/istioctl", "there is no such program")],
)
def test_one_that_is_missing_is_reported_with_what_to_do(binary: str, reported: str) -> None:
    with pytest.raises(TargetError, match=reported) as caught:
        asyncio.run(find(binary, (), "lab", LIMITS))
    assert "--istioctl" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        (VERSION % "1.8.6", "is of Istio 1.8.6; 1.9 or newer is needed"),
        (VERSION % "unknown", "was built without a version"),
        ("print('v1.30.4')", "does not tell its version: is it istioctl"),
        ("tell(['something else'])", "does not tell its version"),
        ("tell({'clientVersion': None})", "does not tell its version"),
        ("sys.exit(3)", "does not tell its version"),
        ("os.write(1, bytes(range(256)))", "does not tell its version"),
    ],
)
def test_one_that_is_too_old_or_something_else_is_reported(programs: Any, body: str, reported: str) -> None:
    with pytest.raises(TargetError, match=reported):
        asyncio.run(find(programs.make("istioctl", body), (), "lab", LIMITS))


def test_one_that_hangs_is_ended_and_named(programs: Any) -> None:
    path = programs.make("istioctl", "time.sleep(60)")
    with pytest.raises(TargetError, match=r"asking istioctl for its version: no end within 1 s") as caught:
        asyncio.run(find(path, (), "lab", Timeouts(istioctl_answer=1)))
    assert f"{path} version --remote=false" in caught.value.detail
    assert programs.alive() == []


def test_one_that_cannot_be_executed_is_reported(programs: Any) -> None:
    path = programs.folder / "istioctl"
    path.write_text("#!/nosuch/interpreter\n")
    path.chmod(0o700)
    with pytest.raises(TargetError, match="does not tell its version"):
        asyncio.run(find(str(path), (), "lab", LIMITS))


def test_a_failure_quotes_the_command_and_its_output_but_not_the_drawing(istioctl: Any) -> None:
    with pytest.raises(TargetError, match=r"installing Istio: istioctl failed \(exit code 1\)") as caught:
        asyncio.run(istioctl(BOAT).install(("profile=demo",), "", LIMITS))
    first, *rest = caught.value.detail.splitlines()
    assert first == "istioctl install -y --set profile=demo --readiness-timeout 15s --context lab"
    assert rest == ["Error: no"]


def test_one_that_is_killed_half_way_is_a_failure(istioctl: Any) -> None:
    body = "print('half', flush=True)\nos.kill(os.getpid(), 9)"
    with pytest.raises(TargetError, match=r"istioctl failed \(exit code 137\)") as caught:
        asyncio.run(istioctl(body).install((), "", LIMITS))
    assert "half" in caught.value.detail


def test_an_interruption_leaves_no_process(istioctl: Any, programs: Any) -> None:
    async def interrupted() -> None:
        task = asyncio.create_task(istioctl("time.sleep(60)").install((), "", LIMITS))
        await asyncio.to_thread(programs.until, "istioctl", "install")
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(interrupted())
    assert programs.alive() == []


READY = "print('✔ No issues found when checking the cluster. Istio is safe to install or upgrade!', file=sys.stderr)"
WARNS = (
    "print('Warning [IST0138] (Namespace istio-system) too old')\nprint('Error: Issues', file=sys.stderr); sys.exit(1)"
)
REFUSES = "print('Error [IST0139] no')\nprint('Warning [IST0138] x')\nsys.exit(1)"


def test_a_precheck_passes_or_warns(istioctl: Any) -> None:
    assert asyncio.run(istioctl(READY).precheck(LIMITS)) == ()
    warnings = asyncio.run(istioctl(WARNS).precheck(LIMITS))
    assert warnings == ("Warning [IST0138] (Namespace istio-system) too old",)


@pytest.mark.parametrize("body", [REFUSES, "print('connection refused', file=sys.stderr); sys.exit(1)"])
def test_a_precheck_that_says_no_or_cannot_say_stops_the_installation(istioctl: Any, body: str) -> None:
    with pytest.raises(TargetError, match="Istio cannot be installed here") as caught:
        asyncio.run(istioctl(body).precheck(LIMITS))
    assert "istioctl x precheck --context lab" in caught.value.detail


@pytest.mark.parametrize("output", ["null", "[]", "[]\n"])
def test_an_analysis_without_findings_is_empty(istioctl: Any, output: str) -> None:
    assert asyncio.run(istioctl(f"print({output!r})").analyze(LIMITS)) == []


@pytest.mark.parametrize("body", ["", "print('no namespace', file=sys.stderr)", "print('{')", "print('{}')"])
def test_an_analysis_that_says_nothing_is_not_taken_for_a_clean_one(istioctl: Any, body: str) -> None:
    with pytest.raises(TargetError, match="istioctl's answer is not a list in JSON"):
        asyncio.run(istioctl(body).analyze(LIMITS))


def test_an_analysis_that_ends_with_a_code_for_what_it_found_is_one(istioctl: Any) -> None:
    reported = [{"code": "IST0101", "level": "Error", "origin": "VirtualService a/b", "message": "no host"}]
    assert asyncio.run(istioctl(f"tell({reported!r}); sys.exit(79)").analyze(LIMITS)) == reported


def test_rights_that_an_analysis_lacks_are_an_error_of_their_own(istioctl: Any) -> None:
    with pytest.raises(ForbiddenError, match="analyzing the configuration") as caught:
        asyncio.run(istioctl("sys.exit('Error: secrets is forbidden: User \"me\" cannot')").analyze(LIMITS))
    assert "secrets is forbidden" in caught.value.detail


def test_a_failing_proxy_status_gives_its_error_as_text(istioctl: Any) -> None:
    assert asyncio.run(istioctl("print('NAME  CDS  LDS')").proxy_status(LIMITS)) == "NAME  CDS  LDS\n"
    reported = asyncio.run(istioctl("print('forbidden', file=sys.stderr); sys.exit(1)").proxy_status(LIMITS))
    assert "forbidden" in reported


def test_very_much_output_neither_blocks_nor_fills_the_memory(istioctl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshproof.process.command.LONGEST_OUTPUT", 1 << 20)
    ended = asyncio.run(
        istioctl("[sys.stdout.write('x' * 65536) for _ in range(160)]").call("ps", timeout=20, what="asking")
    )
    assert (ended.code, len(ended.out) <= 1 << 20) == (0, True)
