"""Whatever prevents a verdict ends the real command with exit code 3, is named, and has a command that shows more."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from meshproof.process.file_lock import run_directory
from meshproof.suite import folder

pytestmark = pytest.mark.long

CANARY = folder("scenarios") / "canary"
VERIFIED = [word for name in ("helloworld", "subsets", "weight-10") for word in ("-f", str(CANARY / f"{name}.yaml"))]
COMMANDS = {"run": ["run", "CanarySplit"], "verify": ["verify", *VERIFIED]}
KIND = ("--target", "kind")
CLUSTER = ("--target", "cluster", "--context", "lab", "--kubeconfig", "{kubeconfig}", "--image", "probe:1")
KUBECTL = "look: kubectl --kubeconfig {kubeconfig} --context lab"
NAMESPACES = "/api/v1/namespaces"


def refusal(code: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "code": code, "reason": reason, "message": message}


def says(words: str) -> Callable[[Any], None]:
    return lambda environment: environment.kubectl(f"sys.exit({words!r})")


def without(name: str) -> Callable[[Any], None]:
    return lambda environment: environment.without(name)


def engine(**reported: object) -> Callable[[Any], None]:
    return lambda environment: environment.put("docker", f"print(json.dumps({reported!r}))")


def full(environment: Any) -> None:
    environment.patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 30}))
    engine(DockerRootDir=str(environment.folder))(environment)


def fails_to_create(words: str) -> Callable[[Any], None]:
    body = f"print('kind v0.30.0') if words == ['version'] else words[0] == 'create' and sys.exit({words!r})"
    return lambda environment: environment.put("kind", body)


def never_pulled(environment: Any) -> None:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "hub.example/pilot:1.30.4"'}
    environment.istio(containerStatuses=[{"name": "discovery", "state": {"waiting": waiting}}])


def silent_webhook(environment: Any) -> None:
    environment.istio()
    words = (
        'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook:'
        ' Post "https://istiod.istio-system.svc:443/inject?timeout=10s": context deadline exceeded'
    )
    reported = refusal(500, "InternalError", words)
    environment.api.first = lambda method, path: reported if path.endswith("/pods/meshproof-injected") else None


def stuck(environment: Any) -> None:
    environment.istio()
    environment.api.webhook = lambda body: {
        **body,
        "spec": {"containers": [{"name": "istio-proxy", "image": "proxy:1"}]},
    }

    def first(method: str, path: str) -> tuple[int, Any] | None:
        if method != "DELETE" or not re.fullmatch(rf"{NAMESPACES}/[^/]+", path):
            return None
        metadata = environment.api.objects[path]["metadata"]
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        words = "Some content in the namespace has finalizers remaining: example.com/never in 1 resource instances"
        environment.api.objects[path]["status"] = {"conditions": [{"status": "True", "message": words}]}
        return 200, {}

    environment.api.first = first


def forbidden(environment: Any) -> None:
    environment.istio()
    words = (
        'namespaces is forbidden: User "me" cannot create resource "namespaces" in API group "" at the cluster scope'
    )
    reported = refusal(403, "Forbidden", words)
    environment.api.first = lambda method, path: reported if (method, path) == ("POST", NAMESPACES) else None


def plugin(environment: Any) -> None:
    api = "client.authentication.k8s.io/v1"
    environment.context(environment.api.url, exec={"apiVersion": api, "command": "aws", "interactiveMode": "Never"})
    says("Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255")(
        environment
    )


def expired(environment: Any) -> None:
    end = datetime.datetime(2025, 3, 4, tzinfo=datetime.UTC)
    begin = end - datetime.timedelta(days=30)
    issued = trustme.CA().issue_cert(common_name="me", not_after=end, not_before=begin)
    cert, key = environment.folder / "me.crt", environment.folder / "me.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    environment.context(environment.api.url, **{"client-certificate": str(cert), "client-key": str(key)})
    says("error: You must be logged in to the server (the server has asked for the client to provide credentials)")(
        environment
    )


def gone(environment: Any) -> None:
    environment.context("http://127.0.0.1:1")


OTHER = "aarch64" if os.uname().machine == "x86_64" else "x86_64"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault in an environment that works otherwise, its headline, and the command that shows more."""

    arrange: Callable[[Any], None]
    said: str
    look: str
    options: tuple[str, ...] = KIND


CASES = {
    "no engine": Case(
        without("docker"), "docker (or podman, or nerdctl) is not on PATH", "look: type docker podman nerdctl"
    ),
    "no kind": Case(without("kind"), "kind is not on PATH", "look: type kind"),
    "no kubectl": Case(without("kubectl"), "kubectl is not on PATH", "look: type kubectl", CLUSTER),
    "no istioctl": Case(
        lambda environment: None,
        "istioctl cannot be used: it is not on PATH",
        "look: type istioctl",
        (*CLUSTER, "--hub", "hub.example"),
    ),
    "no daemon": Case(
        lambda environment: environment.put("docker", "sys.exit('Cannot connect to the Docker daemon')"),
        "docker does not answer: its daemon is not running",
        "look: docker info",
    ),
    "another architecture": Case(
        engine(Architecture=OTHER), f"docker runs on {OTHER}, this machine is", "look: docker info"
    ),
    "memory": Case(
        engine(MemTotal=2 << 30), "docker has 2.0 GB of memory; a node with Istio needs 3 GB", "look: docker info"
    ),
    "disk": Case(full, "has 1.0 GB free; node image, Istio and probes need 5 GB", "look: docker system df"),
    "a port of kind's": Case(
        fails_to_create("Bind for 127.0.0.1:80 failed: port is already allocated"),
        "a port of this machine is in use",
        "look: ss -ltnp; name others with --port 80=PORT and --port 443=PORT",
    ),
    "a port that is asked for": Case(
        lambda environment: None,
        "port {taken} on 127.0.0.1, asked for by --port 5000={taken}, cannot be had",
        "look: ss -ltnp 'sport = :{taken}'",
        ("--port", "5000={taken}"),
    ),
    "an image that cannot be pulled": Case(
        never_pulled,
        "namespace istio-system: not ready after 0.3 s: istiod (0 of 1 replicas up to date)",
        f"{KUBECTL} --namespace istio-system describe pod istiod-1",
        CLUSTER,
    ),
    "a webhook": Case(
        silent_webhook,
        "an admission webhook of the cluster does not answer",
        f"{KUBECTL} get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        CLUSTER,
    ),
    "a namespace in deletion": Case(
        stuck,
        "is still being deleted after 0.3 s",
        f"{KUBECTL} get namespace {{namespace}} -o yaml",
        CLUSTER,
    ),
    "rights": Case(
        forbidden,
        "creating Namespace {namespace}: forbidden to this user (docs/rbac.yaml lists what is needed)",
        f"{KUBECTL} auth can-i --list",
        CLUSTER,
    ),
    "a credential plugin": Case(
        plugin, ": the credential plugin aws of user me fails", f"{KUBECTL} auth can-i --list", CLUSTER
    ),
    "the user's certificate": Case(
        expired,
        "the client certificate of user me has expired on 2025-03-04",
        f"{KUBECTL} config view --minify",
        CLUSTER,
    ),
    "the server's certificate": Case(
        says(
            "Unable to connect to the server: tls: x509: certificate has expired or is not yet valid: current time is"
        ),
        ": its certificate has expired, or the clock of this machine is wrong",
        "look: openssl s_client -connect {server} </dev/null | openssl x509 -noout -subject -issuer -dates",
        CLUSTER,
    ),
    "an API server that kubectl does not reach": Case(
        says("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"),
        ": the API server cannot be reached",
        f"{KUBECTL} cluster-info",
        CLUSTER,
    ),
    "an API server that is gone": Case(
        gone, "the API server at http://127.0.0.1:1 cannot be reached", f"{KUBECTL} cluster-info", CLUSTER
    ),
}


@pytest.fixture
def taken() -> Any:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as held:
        yield held.getsockname()[1]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_an_error_with_a_command_that_shows_more(
    environment: Any, taken: int, tmp_path: Path, name: str, command: str
) -> None:
    case, lasting = CASES[name], {"meshproof-runs", run_directory().name}
    case.arrange(environment)
    known = {"kubeconfig": environment.kubeconfig, "taken": taken, "server": environment.api.url.rpartition("/")[2]}
    code, said = environment.call(*COMMANDS[command], *(word.format(**known) for word in case.options))
    found = re.search(r"meshproof-[0-9a-f]{8}\b", said)
    known["namespace"] = found[0] if found else ""
    assert code == 3
    assert case.said.format(**known) in said
    assert case.look.format(**known) in [line.strip() for line in said.splitlines()]
    assert "Traceback" not in said
    assert "s3cr3t" not in said
    # The cleanup process, which outlives the run, tries once more to delete what could not be deleted.
    deadline = time.monotonic() + 90
    while left := {path.name for path in tmp_path.glob("meshproof-*") if path.is_dir()} - lasting:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
