"""The images, each made of what was built: nothing is pulled, and each has the name that its user asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airgap import programs
from airgap.archive import Entry, Folder, ImageConfig, Text, write_images, write_layer
from airgap.debian import pod_root
from airgap.envoy import envoy
from airgap.programs import COREDNS, ETCD, HERE, ISTIO, ISTIO_TAG, KUBERNETES, module_folder
from airgap.step import Lab, Step

PAUSE = "3.10.1"  # the version that kubeadm of the pinned Kubernetes asks for
REGISTRY = "registry.k8s.io"
# Names under .invalid are never looked up with success (RFC 6761): a pull by mistake fails at once.
HUB = "registry.invalid/istio"
NETWORK = HERE / "network"
ETC: dict[str, Entry] = {
    "etc/passwd": Text(
        "root:x:0:0:root:/root:/sbin/nologin\nistio-proxy:x:1337:1337::/:/sbin/nologin\nnobody:x:65534:65534::/:/sbin/nologin\n"
    ),
    "etc/group": Text("root:x:0:\nistio-proxy:x:1337:\nnogroup:x:65534:\n"),
    "etc/nsswitch.conf": Text("hosts: files dns\n"),
    "tmp": Folder(0o1777),
}


def layer(name: str, needs: Mapping[str, Step], others: Mapping[str, Entry] | None = None) -> Step:
    """A layer with the programs `needs` (path in the image -> what is made) and `others`."""
    rest = dict(others or {})

    def make(lab: Lab, target: Path) -> None:
        write_layer(target, {**rest, **{path: step.path(lab) for path, step in needs.items()}})

    return Step(name, repr((sorted(needs), rest)), make, tuple(needs.values()))


def image(name: str, tag: str, config: ImageConfig, *layers: Step) -> Step:
    """An archive with one image."""

    def make(lab: Lab, target: Path) -> None:
        write_images(target, {tag: (config, [step.path(lab) for step in layers])})

    return Step(name, repr((tag, config)), make, layers)


def _command(name: str, tag: str, step: Step, path: str, *below: Step) -> Step:
    config = ImageConfig(entrypoint=(f"/{path}",))
    return image(f"image-{name}", tag, config, *below, layer(f"layer-{name}", {path: step}, None if below else ETC))


def _kube(name: str, *below: Step) -> Step:
    return _command(
        name, f"{REGISTRY}/{name}:v{KUBERNETES}", programs.kubernetes[name], f"usr/local/bin/{name}", *below
    )


pause = _command("pause", f"{REGISTRY}/pause:{PAUSE}", programs.pause, "pause")
etcd = image(
    "image-etcd",
    f"{REGISTRY}/etcd:{ETCD}-0",
    ImageConfig(),
    layer("layer-etcd", {"usr/local/bin/etcd": programs.etcd}, ETC),
)
coredns = _command("coredns", f"{REGISTRY}/coredns/coredns:{COREDNS}", programs.coredns, "coredns")
control_plane = tuple(
    image(
        f"image-{name}",
        f"{REGISTRY}/{name}:v{KUBERNETES}",
        ImageConfig(),
        layer(f"layer-{name}", {f"usr/local/bin/{name}": programs.kubernetes[name]}, ETC),
    )
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
)
kube_proxy = image(
    "image-kube-proxy",
    f"{REGISTRY}/kube-proxy:v{KUBERNETES}",
    ImageConfig(),
    pod_root,
    layer("layer-kube-proxy", {"usr/local/bin/kube-proxy": programs.kubernetes["kube-proxy"]}),
)
# Routes between nodes, and addresses for load balancers: shell scripts with kubectl.
network = image(
    "image-network",
    "registry.invalid/lab-network:1",
    ImageConfig(),
    pod_root,
    layer(
        "layer-network",
        {"usr/local/bin/kubectl": programs.kubernetes["kubectl"]},
        {f"usr/local/bin/{path.name}": Text(path.read_text(), 0o755) for path in sorted(NETWORK.iterdir())},
    ),
)
NODE_IMAGES = (pause, etcd, coredns, *control_plane, kube_proxy, network)

pilot = image(
    "image-pilot",
    f"{HUB}/pilot:{ISTIO_TAG}",
    ImageConfig(entrypoint=("/usr/local/bin/pilot-discovery",), user="1337:1337"),
    layer("layer-pilot", {"usr/local/bin/pilot-discovery": programs.pilot_discovery}, ETC),
)


def _bootstrap(lab: Lab, target: Path) -> None:
    template = module_folder("istio.io/istio", ISTIO) / "tools/packaging/common/envoy_bootstrap.json"
    target.write_bytes(template.read_bytes())


bootstrap = Step("envoy-bootstrap", ISTIO, _bootstrap)
proxy = image(
    "image-proxyv2",
    f"{HUB}/proxyv2:{ISTIO_TAG}",
    ImageConfig(
        entrypoint=("/usr/local/bin/pilot-agent",), env=(*ImageConfig().env, "ISTIO_META_ISTIO_PROXY_SHA=stock-envoy")
    ),
    pod_root,
    layer("layer-envoy", {"usr/local/bin/envoy": envoy}),
    layer(
        "layer-proxyv2",
        {"usr/local/bin/pilot-agent": programs.pilot_agent, "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": bootstrap},
    ),
)
ISTIO_IMAGES = (pilot, proxy)
