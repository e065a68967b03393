"""The lab's node as a machine that is reached by ssh: Istio comes to it from a bundle and a private registry."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from airgap import cluster, engine, images, istio, programs
from airgap import prove as kind
from airgap.command import output, run
from airgap.step import Lab, timed

NODE = f"{cluster.NAME}-control-plane"
PORT = 5443
PROJECT = "library"
USER, WORD = "pusher", "correct horse"
# bcrypt of WORD, as htpasswd -B writes it.
HASH = "$2b$04$xHeiqHXEDzDZvXCUJflPReQKnVhjQMsN61kbR1Inc5dhPPbxOKkPm"
AUTHORITY = "/etc/ssl/certs/lab-registry.crt"
RELEASE = "istio-1.31.0-alpha"
MODULES = ("install", "canary", "breaker", "mirror", "gateway")
SECONDS = 60.0
REGISTRY = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: "{host}:{port}", tls: {{certificate: {folder}/tls.crt, key: {folder}/tls.key}}}}
auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}
"""
# containerd 1.6, as Debian has it: https://github.com/containerd/containerd/blob/release/1.6/docs/cri/registry.md
PULLED = """
[plugins."io.containerd.grpc.v1.cri".registry.configs."{hub}".auth]
  username = "{user}"
  password = "{word}"
"""
CONTAINERD = "/etc/containerd/config.toml"
INVENTORY = """
ssh:
  knownHosts: {folder}/known_hosts
registry:
  url: https://{hub}
  project: {project}
  images: ["pilot:{tag}", "proxyv2:{tag}"]
  ca: {authority}
apiServer: ssh
hosts:
  - name: node
    role: control-plane
    address: {address}
    user: root
    key: {folder}/id
    become: false
    expect:
      modules: []
      istioctl: "1.31"
"""


@dataclass(frozen=True, slots=True)
class Words:
    """One command of a user, and its expected exit code."""

    arguments: tuple[str, ...]
    code: int = 0


def prove(lab: Lab) -> int:
    """Run the commands on a cluster without Istio; 0, or 1 when one has another exit code than expected."""
    for name in ("docker-registry", "skopeo", "openssl", "ssh-keygen"):
        if shutil.which(name) is None:
            raise click.ClickException(
                f"{name} is not installed: apt-get install docker-registry skopeo openssh-client"
            )
    engine.up(lab)
    cluster.up(lab, "iptables")
    if istio.there(lab):
        raise click.ClickException("the lab's cluster has Istio already: `down` first")
    image = cluster.load_product(lab)
    folder = lab.run / "hosts"
    folder.mkdir(exist_ok=True)
    gateway = _asked(lab, "network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}")
    hub = f"{next(one for one in gateway.split() if '.' in one)}:{PORT}"
    with _registry(folder, hub):
        _trusting(lab, folder, hub)
        address = _reached(lab, folder)
        words = {"folder": folder, "hub": hub, "project": PROJECT, "authority": AUTHORITY, "address": address}
        words["tag"] = programs.ISTIO_TAG
        (folder / "hosts.yaml").write_text(INVENTORY.format(**words))
        return _carried_out(lab, folder, _course(folder, hub, _bundle(lab, folder), image))


def _course(folder: Path, hub: str, bundle: Path, image: str) -> Sequence[Words]:
    inventory = str(folder / "hosts.yaml")
    settings = [word for one in istio.SETTINGS for word in ("--set", one)]
    given = ("--bundle", str(bundle), "--registry-ca", str(folder / "tls.crt"), "--inject", "default", *settings)
    prepare = ("hosts", "prepare", "-f", inventory, *given)
    check = ("hosts", "check", "-f", inventory, "HostIstio")
    from_hub = ("--skip-install", "--hub", f"{hub}/{PROJECT}")
    on_hosts = ("--target", "hosts", "--hosts-file", inventory)
    return (
        Words(check, 1),
        Words(prepare),
        Words((*prepare, "--apply")),
        Words((*prepare, "--apply")),
        Words(check),
        Words(("run", *MODULES, *on_hosts, "--image", image, *from_hub, "--allow", "gateway-secrets")),
        Words(("hosts", "restore", "-f", inventory, "--apply")),
    )


def _carried_out(lab: Lab, folder: Path, course: Sequence[Words]) -> int:
    own = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    secret = {"MESHPROOF_REGISTRY_USERNAME": USER, "MESHPROOF_REGISTRY_PASSWORD": WORD}
    for one in course:
        click.echo(f"+ meshproof {' '.join(one.arguments)}", err=True)
        with timed(lab, f"meshproof {' '.join(one.arguments[:2])}"):
            code = subprocess.run(
                [sys.executable, "-m", "meshproof", *one.arguments], env={**kind.environment(lab), **own, **secret}
            ).returncode
        if code != one.code:
            click.echo(f"exit code {code}, and it has to be {one.code}", err=True)
            return 1
    return 0


@contextlib.contextmanager
def _registry(folder: Path, hub: str) -> Iterator[None]:
    """A registry of this machine with a certificate and a password, at the address that the node knows it by."""
    host = hub.partition(":")[0]
    log = folder / "registry.log"
    subject = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=IP:{host}")
    made = ("-nodes", "-days", "2", "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt"))
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *made, *subject], log=log, seconds=SECONDS)
    (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
    (folder / "registry.yml").write_text(REGISTRY.format(folder=folder, host=host, port=PORT))
    with log.open("ab") as stream:
        child = subprocess.Popen(["docker-registry", "serve", folder / "registry.yml"], stdout=stream, stderr=stream)
    try:
        until = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((host, PORT), 1).close()
                break
            if child.poll() is not None or time.monotonic() > until:
                raise click.ClickException(f"docker-registry does not listen on {hub}\n{log.read_text()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.1)
        yield
    finally:
        child.terminate()
        child.wait(SECONDS)


def _trusting(lab: Lab, folder: Path, hub: str) -> None:
    """The node's containerd pulls from the registry, with its certificate and password."""
    ours = folder / "containerd.toml"
    _docker(lab, "cp", f"{NODE}:{CONTAINERD}", str(ours))
    reported = PULLED.format(hub=hub, user=USER, word=WORD)
    if reported not in ours.read_text():
        ours.write_text(ours.read_text() + reported)
        _docker(lab, "cp", str(ours), f"{NODE}:{CONTAINERD}")
    _docker(lab, "cp", str(folder / "tls.crt"), f"{NODE}:{AUTHORITY}")
    _docker(lab, "exec", NODE, "systemctl", "restart", "containerd")


def _reached(lab: Lab, folder: Path) -> str:
    """The node's address, at which its sshd answers who has the key."""
    key = folder / "id"
    if not key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], log=lab.log("hosts"), seconds=SECONDS)
    address = _asked(lab, "inspect", NODE, "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    _docker(lab, "exec", NODE, "mkdir", "-p", "-m", "0700", "/root/.ssh")
    _docker(lab, "cp", f"{key}.pub", f"{NODE}:/root/.ssh/authorized_keys")
    _docker(lab, "exec", NODE, "chown", "root:root", "/root/.ssh/authorized_keys")
    _docker(lab, "exec", NODE, "systemctl", "start", "ssh")
    reported = _asked(lab, "exec", NODE, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()
    (folder / "known_hosts").write_text(f"{address} {reported[0]} {reported[1]}\n")
    return address


def _bundle(lab: Lab, folder: Path) -> Path:
    """images/ and istio-X.Y.Z/ as in a release; the kernel is left as it is."""
    bundle = folder / "bundle"
    (bundle / "images").mkdir(parents=True, exist_ok=True)
    for step in images.ISTIO_IMAGES:
        shutil.copyfile(step.ensure(lab), bundle / "images" / f"{step.name}.tar")
    program = bundle / RELEASE / "bin" / "istioctl"
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(programs.istioctl.ensure(lab), program)
    program.chmod(0o755)
    return bundle


def _docker(lab: Lab, *words: str) -> None:
    run(["docker", *words], log=lab.log("hosts"), seconds=SECONDS, env=_engine(lab))


def _asked(lab: Lab, *words: str) -> str:
    return output(["docker", *words], seconds=SECONDS, env=_engine(lab)).strip()


def _engine(lab: Lab) -> Mapping[str, str]:
    return {**os.environ, **engine.environment(lab)}
