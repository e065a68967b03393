"""The real command on a real API server: killed, left alone by it, and with a webhook that does not answer."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from held_port import held_port
from meshproof.suite import folder

sys.path.insert(0, str(Path(__file__).parents[1]))

from vanishing_proxy import vanishing_proxy

pytestmark = pytest.mark.usefixtures("istio")
CANARY = folder("scenarios") / "canary"
NETWORKED = ("services", "virtualservices.networking.istio.io", "destinationrules.networking.istio.io", "deployments")
SHOWN = ("--show-managed-fields",)


def at_work(command: Any, control_plane: Any) -> str:
    """The namespace of the run, once it waits for its pods there."""

    def found() -> str:
        for name in command.namespaces():
            deployed = control_plane.kubectl("get", "deployments", "--namespace", name, "-o", "name")
            if "meshproof-client" in deployed:
                return str(name)
        return ""

    return str(command.until("the client's Deployment", found))


def test_the_namespace_of_a_killed_run_is_deleted(command: Any, control_plane: Any) -> None:
    process = command.start("run", "CanarySplit")
    name = at_work(command, control_plane)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    command.until("the end of the namespace", lambda: name not in command.namespaces())
    command.until("the end of its files", lambda: command.left() == [])


@pytest.mark.usefixtures("takes_long")
def test_an_api_server_that_vanishes_ends_a_run(command: Any, control_plane: Any) -> None:
    with vanishing_proxy(int(control_plane.url.rpartition(":")[2])) as (url, vanish):
        file = control_plane.kubeconfig("admin", "system:masters", url=url)
        process = command.start("run", "CanarySplit", kubeconfig=file)
        name = at_work(command, control_plane)
        vanish()
        code, said = command.ended(process)
    assert code == 3
    assert f"the API server at {url} cannot be reached" in said
    assert f"look: kubectl --kubeconfig {file} --context lab cluster-info" in [
        line.strip() for line in said.splitlines()
    ]
    assert "Traceback" not in said
    # Nobody could delete it.
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=["closed", "silent"])
def nobody(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port where nobody answers."""
    with held_port() as port, contextlib.ExitStack() as stack:
        if request.param == "silent":
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield port


@pytest.mark.usefixtures("takes_long")
def test_a_webhook_that_does_not_answer_ends_a_run(command: Any, control_plane: Any, nobody: int) -> None:
    kind, name = "ValidatingWebhookConfiguration", "routes.silent.test"
    ours = {"namespaceSelector": {"matchExpressions": [{"key": "meshproof.dev/run", "operator": "Exists"}]}}
    url = f"https://127.0.0.1:{nobody}/"
    hook = command.webhook(kind, name, control_plane, url, resources=["virtualservices"], timeoutSeconds=1, **ours)
    control_plane.kubectl("create", "-f", "-", stdin=hook)
    try:
        code, said = command.ended(command.start("run", "CanarySplit"))
    finally:
        control_plane.kubectl("delete", "-f", "-", stdin=hook)
    assert code == 3
    assert "an admission webhook of the cluster does not answer" in said
    assert f'failed calling webhook "{name}"' in said
    looks = [line.strip() for line in said.splitlines() if line.strip().startswith("look: ")]
    assert looks[0].endswith("--context lab get validatingwebhookconfigurations,mutatingwebhookconfigurations")
    assert command.namespaces() == []
    assert command.left() == []


@pytest.fixture
def shop(control_plane: Any, run_id: str) -> Iterator[str]:
    """Somebody's namespace with the canary in it."""
    name = f"shop-{run_id[-6:]}"
    control_plane.kubectl("create", "namespace", name)
    for file in ("helloworld", "subsets", "weight-10"):
        control_plane.kubectl("apply", "--namespace", name, "-f", str(CANARY / f"{file}.yaml"))
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def standing(control_plane: Any, *namespaces: str) -> dict[str, str]:
    """The objects in these namespaces, each with its version and its managers."""
    found = {}
    for namespace in namespaces:
        reported = control_plane.kubectl("get", ",".join(NETWORKED), "--namespace", namespace, "-o", "json", *SHOWN)
        for one in json.loads(reported)["items"]:
            metadata = one["metadata"]
            version = metadata.get("generation") or metadata["resourceVersion"]
            writers = sorted({by["manager"] for by in metadata["managedFields"]})
            found[f"{one['kind']} {namespace}/{metadata['name']}"] = f"{metadata['uid']} {version} {writers}"
    return found


@pytest.mark.usefixtures("takes_long")
def test_a_verification_with_the_least_rights_changes_nothing(
    command: Any, control_plane: Any, account: Path, shop: str
) -> None:
    given = [word for file in ("helloworld", "subsets", "weight-10") for word in ("-f", str(CANARY / f"{file}.yaml"))]
    words = ("verify", *given, "-n", shop, "--no-apply")
    code, said = command.ended(command.start(*words, kubeconfig=account))
    assert code == 3
    assert f"namespace {shop} cannot be verified" in said
    [grant] = [line.strip() for line in said.splitlines() if "kubectl create rolebinding" in line]
    before = standing(control_plane, shop, "istio-system")
    assert len(before) >= 5
    control_plane.kubectl(*grant.split()[1:])
    code, said = command.ended(command.start(*words, kubeconfig=account, ready=2))
    # Every request was allowed; only a node for the client's pod is missing.
    assert code == 3
    assert "not ready after 2 s: meshproof-client (0 of 1 replicas available)" in said
    assert "forbidden" not in said
    assert standing(control_plane, shop, "istio-system") == before
    assert command.namespaces() == []
