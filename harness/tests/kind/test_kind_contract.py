"""The exact commands for container engines and kind, and the errors when one of them answers wrongly."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.kind.target import KindTarget

from .conftest import LIMITS, WELL, Takes, made

THERE = 'print({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])'
PODMAN = """
if words[:1] == ["info"]:
    print(json.dumps({"host": {"arch": os.uname().machine, "memTotal": 16 << 30}, "store": {"graphRoot": "/nowhere"}}))
elif words[:1] == ["inspect"]:
    print("4f2a" * 16)
"""
ENGINES = {"docker": "", "podman": PODMAN, "nerdctl": ""}
INFO = ["info", "--format", "{{json .}}"]
INSPECT = ["image", "inspect", "--format", "{{.Architecture}}", "probe:1"]
NODE = ["inspect", "--format", "{{.Id}}", "ours-control-plane"]
PORTS = [["port", "ours-control-plane", port] for port in ("30080/tcp", "30443/tcp")]

# Each comes after preflight(), so that the parent-death guard reports a program that has been removed since.
FAULTS = {
    "not found": "sys.exit(127)",
    "garbage": 'print("<html>")',
    "hang": "time.sleep(600)",
    "partial": "sys.stdout.write('{\"Architec'); sys.exit(1)",
    "killed": "sys.stdout.flush(); os.kill(os.getpid(), 9)",
}
BROKEN = {
    "not found": r"failed \(exit code 127\)",
    "garbage": "",
    "hang": r"no end within 2 s",
    "partial": r"failed \(exit code 1\)",
    "killed": r"failed \(exit code 137\)",
}
# The purpose of each command, as errors name it, and its limit. Then the errors that differ from BROKEN;
# None: that answer is no error (nobody can know, or it is not needed).
COMMANDS: dict[tuple[str, ...], tuple[str, str, dict[str, str | None]]] = {
    ("docker", "info"): (
        "asking whether docker runs|docker does not answer",
        "container_engine",
        dict.fromkeys(("not found", "garbage", "partial", "killed"), "its answer is not what was expected"),
    ),
    ("docker", "image", "inspect"): (
        "looking for the image probe:1|docker gives no information about the image probe:1",
        "container_engine",
        {"not found": "", "garbage": "<html>", "partial": None, "killed": ""},
    ),
    ("docker", "inspect"): (
        "looking for the node of kind cluster ours",
        "container_engine",
        {"garbage": "the answer is no id"},
    ),
    ("docker", "port"): (
        "asking for the port of ours",
        "container_engine",
        dict.fromkeys(("not found", "garbage", "partial", "killed")),
    ),
    ("docker", "build"): ("building the probe image", "image_built", {"garbage": None}),
    ("kind", "version"): (
        "asking kind for its version|does not tell its version",
        "kind_answer",
        dict.fromkeys(("not found", "garbage", "partial", "killed"), "is it kind"),
    ),
    ("kind", "get"): ("listing the kind clusters", "kind_answer", {"garbage": None}),
    ("kind", "create"): ("creating the kind cluster", "kind_created", {"garbage": "Cluster 'ours' is not ready"}),
    ("kind", "export"): ("reaching kind cluster ours", "kind_answer", {"garbage": "kind has written no kubeconfig"}),
    ("kind", "load"): ("loading an image into the kind cluster", "image_loaded", {"garbage": None}),
    ("kind", "delete"): ("deleting the kind cluster", "kind_deleted", {"garbage": None}),
}


async def life(image: str = "probe:1", timeouts: Any = LIMITS) -> KindTarget:
    """Everything that a run does with kind and the engine."""
    target = KindTarget(KubeSettings(cluster="ours", image=image), timeouts)
    try:
        await made(target)
        await target.image(Takes())  # type: ignore[arg-type]
    finally:
        try:
            await target.disconnect(None)
        finally:
            if target._cluster_cleanup is not None:
                target._cluster_cleanup.revoke()
    return target


@pytest.mark.parametrize("name", ENGINES)
def test_all_commands_of_a_run_that_succeeds(bench, reached, monkeypatch, name) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", name)
    bench.put(
        name, f"if words[:2] == ['image', 'inspect']:\n    {THERE}\n    sys.exit()\n{ENGINES[name] or WELL['docker']}"
    )
    asyncio.run(life())
    asked = bench.words(name)
    save = [words for words in asked if words[0] == "save"]
    # At the end it is looked at whether the cluster is still the one that was made.
    assert asked == [INFO, NODE, *PORTS, INSPECT, INFO, *save, NODE]
    archive = save[0][2] if save else ""
    assert save == ([] if name == "docker" else [["save", "--output", archive, "probe:1"]])
    load = ["load", "docker-image", "probe:1"] if name == "docker" else ["load", "image-archive", archive]
    version, get, create, *more = bench.words("kind")
    assert (version, get, create[:4]) == (["version"], ["get", "clusters"], ["create", "cluster", "--name", "ours"])
    assert more == [[*load, "--name", "ours"], ["delete", "cluster", "--name", "ours"]]
    # Python itself adds LC_CTYPE where there is no locale.
    assert all({**call["env"], "LC_CTYPE": ""} == {**os.environ, "LC_CTYPE": ""} for call in bench.calls)
    assert {call["stdin"] for call in bench.calls} == {""}


def test_the_image_is_built_where_there_is_none(bench, reached, monkeypatch) -> None:
    monkeypatch.setenv("MESHPROOF_IMAGE_BASE", "base:1")
    monkeypatch.setenv("MESHPROOF_IMAGE_PIP_OPTIONS", "--no-index")
    asyncio.run(life(image=""))
    (build,) = [words for words in bench.words("docker") if words[0] == "build"]
    assert re.fullmatch(r"meshproof\.local/probe:\S+-[0-9a-f]{12}", build[2])
    arguments = ["--build-arg", "BASE=base:1", "--build-arg", "PIP_OPTIONS=--no-index"]
    assert build == ["build", "--tag", build[2], *arguments, build[-1]]


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_command_that_answers_wrongly(bench, reached, command, fault) -> None:
    what, limit, otherwise = COMMANDS[command]
    program, *begin = command
    building = command == ("docker", "build")
    if begin == ["export"]:
        (bench.folder / "clusters").write_text("ours\n")
    if not building:
        bench.when("docker", "image", "inspect", does=THERE)
    bench.when(program, *begin, does=FAULTS[fault])
    limits = replace(LIMITS, **({limit: 2.0} if fault == "hang" or begin == ["create"] else {}))
    wrong = otherwise.get(fault, BROKEN[fault])
    if wrong is None:
        asyncio.run(life("" if building else "probe:1", limits))
        return
    with pytest.raises(TargetError) as error:
        asyncio.run(life("" if building else "probe:1", limits))
    said = str(error.value)
    assert re.search(what, error.value.message), said
    assert re.search(wrong, said), said
    assert error.value.exit_code == 3
    if begin != ["delete"]:
        assert bench.clusters() == (["ours"] if begin == ["export"] else [])
        assert bench.locks() == []
