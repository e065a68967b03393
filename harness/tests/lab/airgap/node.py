"""kind's node image, made of Debian's packages, kind's own files and the Kubernetes commands that were built.

What differs from kind's: containerd and runc are Debian's, the network is a bridge on each node and routes between
them (network/routes, no kindnet), there is no storage provisioner; its images and Istio's are imported when it boots.
"""

from __future__ import annotations

import re
from pathlib import Path

from airgap import images, programs
from airgap.archive import Entry, ImageConfig, Link, Text, write_images, write_layer
from airgap.debian import node_root
from airgap.images import PAUSE
from airgap.programs import HERE, KIND, KUBERNETES, module_folder
from airgap.step import Lab, Step

TAG = f"registry.invalid/node:v{KUBERNETES}"
FILES = HERE / "node"
UNITS = "etc/systemd/system"
# Istio's images too: whoever makes a cluster of this node finds them there.
PRELOADED = (*images.NODE_IMAGES, *images.ISTIO_IMAGES)
ENABLED = ("kubelet", "containerd", "undo-mount-hacks", "preload")


def containerd_config(text: str) -> str:
    """kind's, with the pause image that is there, and no base specification (it is made with kind's containerd)."""
    text = re.sub(r'sandbox_image = ".*"', f'sandbox_image = "{images.REGISTRY}/pause:{PAUSE}"', text)
    text = text.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    return re.sub(r"^ *base_runtime_spec.*\n", "", text, flags=re.MULTILINE)


def containerd_unit(text: str) -> str:
    """kind's, without limits that need CAP_SYS_RESOURCE to raise."""
    return re.sub(r"^(Limit\w+|OOMScoreAdjust)=.*\n", "", text, flags=re.MULTILINE)


def entrypoint(text: str) -> str:
    """kind's, without bind mounts of cgroup v1 (kubelet takes the last mount of a controller for its root), and without
    asking DNS for the engine's host."""
    text = text.replace('  mount --bind "${subsystem}/${cgroup_root}" "${subsystem}/${cgroup_root}"\n', "")
    return text.replace("getent ahostsv4 'host.docker.internal'", "true")


EDITED = {
    "etc/containerd/config.toml": containerd_config,
    "etc/systemd/system/containerd.service": containerd_unit,
    "usr/local/bin/entrypoint": entrypoint,
}


def _kind_files() -> dict[str, Entry]:
    base = module_folder("sigs.k8s.io/kind", KIND) / "images/base/files"
    entries: dict[str, Entry] = {}
    for path in sorted(base.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(base))
            content = EDITED.get(name, str)(path.read_text())
            # A module's archive keeps no execute bits.
            entries[name] = Text(content, 0o755 if name.startswith(("usr/local/bin/", "kind/bin/")) else 0o644)
    return entries


def _own_files() -> dict[str, Entry]:
    entries: dict[str, Entry] = {
        f"{UNITS}/preload.service": FILES / "preload.service",
        f"{UNITS}/systemd-binfmt.service": Link("/dev/null"),
        "etc/systemd/journald.conf.d/kind.conf": Text("[Journal]\nReadKMsg=no\n"),
        # The engine knows the other nodes' names, and nobody answers it for any other: no DNS query leaves the machine.
        "etc/nsswitch.conf": Text("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
        "kind/manifests/default-cni.yaml": FILES / "default-cni.yaml",
        "kind/manifests/default-storage.yaml": FILES / "default-storage.yaml",
        "kind/version": Text(f"v{KUBERNETES}"),
        "opt/cni/bin": Link("/usr/lib/cni"),
        "usr/local/bin/containerd": Link("/usr/bin/containerd"),
    }
    for unit in ENABLED:
        entries[f"{UNITS}/multi-user.target.wants/{unit}.service"] = Link(f"/{UNITS}/{unit}.service")
    return entries


def _layer(lab: Lab, target: Path) -> None:
    entries = {**_kind_files(), **_own_files(), "usr/local/sbin/runc": programs.runc.path(lab)}
    for name in programs.NODE_COMMANDS:
        entries[f"usr/bin/{name}"] = programs.kubernetes[name].path(lab)
    write_layer(target, entries)


def _image(lab: Lab, target: Path) -> None:
    config = ImageConfig(
        entrypoint=("/usr/local/bin/entrypoint", "/sbin/init"),
        env=(*ImageConfig().env, "container=docker"),
        stop_signal="SIGRTMIN+3",
    )
    write_images(target, {TAG: (config, [node_root.path(lab), files.path(lab), preloaded.path(lab)])})


def _preloaded(lab: Lab, target: Path) -> None:
    write_layer(target, {f"kind/images/{step.name}.tar": step.path(lab) for step in PRELOADED})


RECIPE = "".join(path.read_text() for path in [*sorted(FILES.iterdir()), Path(__file__)]) + KIND + PAUSE
files = Step(
    "layer-node", RECIPE, _layer, (programs.runc, *(programs.kubernetes[name] for name in programs.NODE_COMMANDS))
)
preloaded = Step("layer-node-images", "", _preloaded, PRELOADED)
node = Step("image-node", TAG, _image, (node_root, files, preloaded))
