"""A real registry on 127.0.0.1, and small images in the formats that bundles have."""

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest
from accepting import stop
from held_port import held_port
from meshproof.border.timeouts import Timeouts
from meshproof.targets.hosts.images.credentials import Credentials
from meshproof.targets.hosts.images.push import Pusher
from meshproof.targets.hosts.images.registry import Registry

USER, WORD = "pusher", "correct horse"
# bcrypt of WORD, as htpasswd -B writes it.
HASH = "$2b$04$xHeiqHXEDzDZvXCUJflPReQKnVhjQMsN61kbR1Inc5dhPPbxOKkPm"
CONFIG = """
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: "127.0.0.1:%d"}
auth: {htpasswd: {realm: test, path: %s}}
"""


@dataclasses.dataclass
class Served:
    """A running docker-registry that requires USER and WORD."""

    host: str
    root: Path


def serve(folder: Path, root: Path):
    """Start one; a generator that ends it."""
    if not shutil.which("docker-registry") or not shutil.which("skopeo"):
        pytest.skip("needs docker-registry and skopeo (Debian's packages of these names)")
    with held_port() as port:
        yield from serve_at(port, folder, root)


def serve_at(port: int, folder: Path, root: Path):
    (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
    (folder / "config.yml").write_text(CONFIG % (root, port, folder / "htpasswd"))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "registry.log").read_text()
                assert time.monotonic() < end, "docker-registry does not listen"
                time.sleep(0.02)
        yield Served(f"127.0.0.1:{port}", root)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.fixture
def registry(tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    yield from serve(folder, folder / "data")


@pytest.fixture
def pusher(tmp_path):
    """Makes a Pusher for a registry; its folder is tmp_path/secret."""

    def make(host, word=WORD, **timeouts):
        folder = tmp_path / "secret"
        folder.mkdir(mode=0o700, exist_ok=True)
        limits = Timeouts(image_push=60, registry_answer=5)
        credentials = Credentials(USER, word) if word else None
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MESHPROOF_REGISTRY_PASSWORD": word or ""}
        registry = Registry(host, limits.registry_answer, credentials)
        return Pusher(
            registry, folder, dataclasses.replace(limits, **timeouts), environ, ("MESHPROOF_REGISTRY_PASSWORD",)
        )

    return make


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def layer(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def configuration(layers) -> bytes:
    body = {"architecture": "amd64", "os": "linux", "config": {}}
    return json.dumps(
        {**body, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(one)}" for one in layers]}}
    ).encode()


def docker_archive(path: Path, images) -> Path:
    """What `docker save` writes; `images` is {NAME:TAG: [layer content, ...]}."""
    files, manifest = {}, []
    for name, contents in images.items():
        layers = [layer(content) for content in contents]
        config = configuration(layers)
        files[f"{sha(config)}.json"] = config
        files |= {f"{sha(one)}/layer.tar": one for one in layers}
        places = [f"{sha(one)}/layer.tar" for one in layers]
        manifest.append({"Config": f"{sha(config)}.json", "RepoTags": [name], "Layers": places})
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def oci_layout(folder: Path, name: str, contents, *, platforms=0) -> Path:
    """An OCI layout of one image, or of a list of `platforms` images."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def put(data: bytes, kind: str, **more):
        (blobs / sha(data)).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data), **more}

    def image(extra: bytes, **more):
        layers = [layer(content + extra) for content in contents]
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": put(configuration(layers), "application/vnd.oci.image.config.v1+json"),
            "layers": [
                put(gzip.compress(one, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip") for one in layers
            ],
        }
        return put(json.dumps(manifest).encode(), manifest["mediaType"], **more)

    notes = {"org.opencontainers.image.ref.name": name}
    if platforms:
        kinds = [{"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64", "s390x")[:platforms]]
        kind = "application/vnd.oci.image.index.v1+json"
        images = [image(one["architecture"].encode(), platform=one) for one in kinds]
        top = put(json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": images}).encode(), kind)
    else:
        top = image(b"")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [{**top, "annotations": notes}]}))
    return folder


class Cutting:
    """A proxy that drops every connection once `budget` bytes have gone up; None: none are dropped."""

    def __init__(self, host: str) -> None:
        self.back = host
        self.budget: int | None = None
        self.sent = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                front, _ = self._server.accept()
            except OSError:
                return
            name, port = self.back.split(":")
            back = socket.create_connection((name, int(port)))
            self._open += [front, back]
            threading.Thread(target=self._pump, args=(front, back, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(back, front, False), daemon=True).start()

    def _pump(self, source, target, up) -> None:
        try:
            while data := source.recv(16384):
                if up:
                    self.sent += len(data)
                    if self.budget is not None and self.sent > self.budget:
                        break
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        stop(self._server, self._accepting)
        for one in self._open:
            # The threads that carry it leave it then; it is closed with the last of them.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()
