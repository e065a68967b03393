"""Nothing is left of a kind cluster when its users are killed, whichever of them and whenever."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import NAME_ADDED

pytestmark = pytest.mark.long

# What a run does with kind, step by step: each step ends with a word on standard output.
USER = """
import asyncio, sys
from pathlib import Path
from meshproof.errors import TargetError
from meshproof.process import OwnedFolder
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.kind import target as kind
from meshproof.targets.kind.target import KindTarget
from meshproof.targets.kube.kubectl import Kubectl

class Cluster:
    def __init__(self, files, context):
        self.kubectl, self.objects = Kubectl("kubectl", files, context), self
    async def apply(self, body):
        pass
    async def close(self):
        pass

async def connect(files, context, *_, **__):
    return Cluster(files, context)

kind.connect = connect
cluster, keep = sys.argv[1], "keep" in sys.argv
target = KindTarget(KubeSettings(cluster=cluster, keep=keep))
target.preflight()

async def life():
    target._folder = folder = OwnedFolder.make("meshproof-")
    target.cluster = made = await target.reach(folder)
    await target.ingress(made)
    target._register_cleanup(made, folder)
    print("up", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    try:
        await target.down()
    except TargetError as error:
        print(error, flush=True)

asyncio.run(life())
"""


@pytest.fixture
def use() -> Iterator[Any]:
    """Begin to use the cluster of that name."""
    with contextlib.ExitStack() as stack:

        def begin(*words: str) -> subprocess.Popen[str]:
            argv = [sys.executable, "-c", USER, *words]
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield begin


def up(process: Any) -> Any:
    assert process.stdout.readline() == "up\n"
    return process


def kill(process: Any) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def end(process: Any) -> str:
    return str(process.communicate("\n")[0])


def nothing_left(bench: Any) -> bool:
    return not bench.clusters() and not bench.locks()


def test_the_maker_is_killed(bench, use) -> None:
    kill(up(use("ours")))
    bench.wait_for(lambda: nothing_left(bench))


@pytest.mark.parametrize("killed", [0, 1])
def test_one_user_is_killed_while_the_other_goes_on(bench, use, killed) -> None:
    users = [up(use("ours")), up(use("ours"))]
    kill(users[killed])
    # The namespaces of the killed one are deleted by its own cleanup process.
    bench.wait_for(lambda: bench.words("kubectl"))
    assert bench.clusters() == ["ours"]
    assert end(users[1 - killed]) == ""
    bench.wait_for(lambda: nothing_left(bench))


def test_a_user_is_killed_after_the_maker_has_ended(bench, use) -> None:
    first, second = up(use("ours")), up(use("ours"))
    assert end(first) == ""
    assert bench.clusters() == ["ours"]
    kill(second)
    bench.wait_for(lambda: nothing_left(bench))


def test_all_users_are_killed_at_once(bench, use) -> None:
    users = [up(use("ours")) for _ in range(3)]
    for one in users:
        one.send_signal(signal.SIGKILL)
    bench.wait_for(lambda: nothing_left(bench))
    assert len([one for one in bench.words("kind") if one[0] == "delete"]) == 1


@pytest.mark.parametrize("words", [("ours",), ("ours", "keep")], ids=["to go", "to be kept"])
def test_the_maker_is_killed_during_creation_while_another_waits(bench, use, words) -> None:
    bench.when("kind", "create", does=f"{NAME_ADDED}time.sleep(600)")
    first = use(*words)
    bench.wait_for(lambda: bench.clusters() == ["ours"])
    bench.well("kind")
    second = use(*words)
    kill(first)
    end(up(second))
    # The half-made cluster is deleted before a new one is made.
    assert [one[0] for one in bench.words("kind") if one[0] in ("create", "delete")][:3] == [
        "create",
        "delete",
        "create",
    ]
    assert bench.clusters() == (["ours"] if "keep" in words else [])
    assert not bench.locks()


def test_in_a_kept_cluster_the_namespaces_are_deleted(bench, use, tmp_path) -> None:
    (bench.folder / "clusters").write_text("mine\n")
    bench.put("kubectl", 'os.link(words[words.index("--kubeconfig") + 1], folder + "/found")')
    kill(up(use("mine")))
    bench.wait_for((bench.folder / "found").exists)
    assert "kind: Config" in (bench.folder / "found").read_text()
    words, *_ = bench.words("kubectl")
    assert words[words.index("delete") :][:2] == ["delete", "namespace"]
    # The credentials are deleted when that is done.
    bench.wait_for(lambda: [one.name for one in tmp_path.glob("meshproof-*")] == [f"meshproof-{os.getuid()}"])
    bench.wait_for(lambda: not bench.locks())
    assert bench.clusters() == ["mine"]


def test_a_failed_deletion_is_tried_once_more_at_the_end(bench, use) -> None:
    once = """
        if os.path.exists(folder + "/asked"):
            os.remove(folder + "/clusters")
        else:
            open(folder + "/asked", "w")
            sys.exit("no")
    """
    bench.when("kind", "delete", does=once)
    said = end(up(use("ours")))
    assert "deleting the kind cluster: kind failed (exit code 1)" in said
    assert "look: " in said
    bench.wait_for(lambda: nothing_left(bench))
