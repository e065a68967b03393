"""What is built from Go modules: Kubernetes, etcd, CoreDNS, kind, Istio, and two small programs of the lab's own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import click
from airgap.command import output, run
from airgap.step import Lab, Step

HERE = Path(__file__).resolve().parents[1]
KIND = "v0.33.0"
# Istio's tags carry no leading v, so its releases are no versions of the module; the module proxy knows the main
# branch only. This commit of it calls itself 1.31 (its file VERSION).
ISTIO = "v0.0.0-20260827124520-eed52ebb66ad"
ISTIO_TAG = "1.31-alpha.eed52ebb66ad"
BUILD_SECONDS = 5400.0
FLAGS = ("-trimpath", "-buildvcs=false")
NODE_COMMANDS = ("kubeadm", "kubelet", "kubectl")
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def environment() -> dict[str, str]:
    """Static programs, two compilers at once, the toolchain that is installed."""
    return {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": os.environ.get("GOFLAGS", "-p=2"), "GOWORK": "off"}


def pinned(module: str, path: str) -> str:
    """The version of the module `path` in the go.mod of the folder `module`."""
    found = re.search(
        rf"^\s*(?:require )?{re.escape(path)} v(\S+)", (HERE / module / "go.mod").read_text(), re.MULTILINE
    )
    if found is None:
        raise click.ClickException(f"{module}/go.mod requires no {path}")
    return found[1]


KUBERNETES = pinned("kubernetes", "k8s.io/kubernetes")
ETCD = pinned("etcd", "go.etcd.io/etcd/server/v3")
COREDNS = f"v{pinned('coredns', 'github.com/coredns/coredns')}"


def _kubernetes(name: str) -> Step:
    def make(lab: Lab, target: Path) -> None:
        # The script keeps what it has built: tests of the Kubernetes target build the same commands with it.
        folder = lab.root.parent / f"kubernetes-{KUBERNETES}"
        run(
            [HERE / "kubernetes" / "build.sh", name],
            log=lab.log(name),
            seconds=BUILD_SECONDS,
            env={**environment(), "MESHPROOF_KUBERNETES_BIN": str(folder)},
        )
        target.hardlink_to(folder / name)

    return Step(name, f"{KUBERNETES} {(HERE / 'kubernetes' / 'go.sum').read_text()}", make)


def _local(name: str, module: str, package: str) -> Step:
    """A program from a module that stands beside this one."""
    folder = HERE / module

    def make(lab: Lab, target: Path) -> None:
        run(
            ["go", "build", *FLAGS, "-mod=readonly", "-ldflags", "-s -w", "-o", target, package],
            log=lab.log(name),
            seconds=BUILD_SECONDS,
            env=environment(),
            cwd=folder,
        )

    sources = "".join(path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in (".go", ".mod", ".sum"))
    return Step(name, sources, make)


def _published(
    name: str, package: str, version: str, ldflags: str = "-s -w", flags: Sequence[str] = ("-trimpath",)
) -> Step:
    """A program straight from a module's published version."""

    def make(lab: Lab, target: Path) -> None:
        folder = target.with_name(target.name + ".bin")
        folder.mkdir(exist_ok=True)
        run(
            ["go", "install", "-buildvcs=false", *flags, "-ldflags", ldflags, f"{package}@{version}"],
            log=lab.log(name),
            seconds=BUILD_SECONDS,
            env={**environment(), "GOBIN": str(folder)},
        )
        (folder / package.rsplit("/", 1)[-1]).rename(target)
        folder.rmdir()

    return Step(name, f"{package}@{version} {ldflags} {' '.join(flags)}", make)


def _istio(name: str, package: str) -> Step:
    stamp = "istio.io/istio/pkg/version"
    facts = {"buildVersion": ISTIO_TAG, "buildGitRevision": ISTIO[-12:], "buildStatus": "Clean", "buildTag": ISTIO_TAG}
    ldflags = " ".join(["-s -w", *(f"-X {stamp}.{key}={value}" for key, value in facts.items())])
    # As meshproof builds its own istiod: Go compiles once what both are made of.
    return _published(name, f"istio.io/istio/{package}", ISTIO, ldflags, ("-tags", "vtprotobuf"))


kind = _published("kind", "sigs.k8s.io/kind", KIND)
etcd = _local("etcd", "etcd", "go.etcd.io/etcd/server/v3")
coredns = _local("coredns", "coredns", ".")
pause = _local("pause", "programs", "./pause")
runc = _local("runc", "programs", "./runc")
istioctl = _istio("istioctl", "istioctl/cmd/istioctl")
pilot_discovery = _istio("pilot-discovery", "pilot/cmd/pilot-discovery")
pilot_agent = _istio("pilot-agent", "pilot/cmd/pilot-agent")
kubernetes = {name: _kubernetes(name) for name in (*NODE_COMMANDS, *CONTROL_PLANE)}

ALL = (*kubernetes.values(), kind, etcd, coredns, pause, runc, istioctl, pilot_discovery, pilot_agent)


def module_folder(module: str, version: str) -> Path:
    """Where Go keeps the sources of a module's version, which it fetches when they are not there."""
    reported = output(["go", "mod", "download", "-json", f"{module}@{version}"], seconds=600, env=environment())
    return Path(json.loads(reported)["Dir"])
