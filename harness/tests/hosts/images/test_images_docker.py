"""Images really pushed with docker, where there is no skopeo, from a real engine to a real registry."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
from meshproof.errors import TargetError, UsageError
from meshproof.process import OwnedFolder
from meshproof.targets.hosts.images.archive import images
from meshproof.targets.hosts.images.naming import parse_hub, tagged_images

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))

import own_engine

from .conftest import WORD, Cutting, docker_archive, oci_layout

ASKED_FOR = "MESHPROOF_HOSTS_SCRATCH"
PILOT, PROXY = "docker.io/istio/pilot:1.9.5", "docker.io/istio/proxyv2:1.9.5"
# An engine retries for most of a minute before it fails.
CLIENT_TIMEOUT = 240


@pytest.fixture(scope="module")
def engine():
    """An engine of the module's own."""
    if not os.environ.get(ASKED_FOR):
        pytest.skip(f"takes longer than a test should: tox -e hosts (or {ASKED_FOR}=1)")
    if reason := own_engine.lacking():
        pytest.skip(reason)
    folder = OwnedFolder.make("mp-")
    try:
        with own_engine.running(folder.path) as one:
            yield one
    finally:
        folder.remove()


@pytest.fixture
def with_docker(pusher, tmp_path):
    """Makes a Pusher whose PATH has docker and no skopeo."""

    def make(host, docker_host, word=WORD):
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "docker").exists():
            (programs / "docker").symlink_to(shutil.which("docker") or "/bin/false")
        one = pusher(host, word, image_push=CLIENT_TIMEOUT)
        one.environ.update({"PATH": str(programs), "DOCKER_HOST": docker_host})
        return one

    return make


def wanted(host, *paths):
    return tagged_images([image for path in paths for image in images(path)], parse_hub(f"{host}/library"))


def push(pusher, some):
    reported = []
    asyncio.run(pusher.push(some, reported.append))
    return reported


def test_images_arrive_under_the_hub_and_are_not_pushed_twice(registry, engine, with_docker, tmp_path):
    archive = docker_archive(tmp_path / "istio.tar.gz", {PILOT: [b"pilot"], PROXY: [b"proxy", b"envoy" * 9000]})
    some = wanted(registry.host, archive)
    one = with_docker(registry.host, engine.env["DOCKER_HOST"])
    assert [line.rpartition("pushed with ")[2] for line in push(one, some)] == ["docker"] * 2
    # The configuration names the content of every layer: the engine has changed neither.
    for tagged in some:
        manifest = asyncio.run(one.registry.manifest(tagged.repository, tagged.tag))
        assert manifest.config == tagged.image.config
    assert not asyncio.run(one.missing(some))
    assert all("there already" in line for line in push(one, some))


def test_a_wrong_password_is_reported_and_written_nowhere(registry, engine, with_docker, tmp_path):
    some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]}))
    one = with_docker(registry.host, engine.env["DOCKER_HOST"], word="hunter-two")
    with pytest.raises(TargetError, match="refuses the name or the password") as caught:
        asyncio.run(one._docker(one.tool(), some[0]))
    assert "hunter" not in f"{caught.value} {caught.value.detail}"
    assert not (registry.root / "docker/registry/v2/repositories/library").exists()


def test_another_image_under_the_pushed_name_is_detected(registry, engine, with_docker, tmp_path, monkeypatch):
    """Somebody else pushes at the same time: the engine's digest is not that of the registry."""
    some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"ours"]}))
    other = wanted(registry.host, docker_archive(tmp_path / "b.tar", {PILOT: [b"theirs"]}))
    one = with_docker(registry.host, engine.env["DOCKER_HOST"])

    async def both():
        digest = await one._docker(one.tool(), some[0])
        assert digest.startswith("sha256:")
        await one._docker(one.tool(), other[0])
        await one._verify(some[0], digest)

    with pytest.raises(TargetError, match=r"was pushed as sha256:.*, and the registry has sha256:"):
        asyncio.run(both())


def test_a_push_that_was_cut_goes_on_without_sending_again_what_arrived(registry, engine, with_docker, tmp_path):
    contents = [os.urandom(1_500_000), os.urandom(1_500_000)]
    archive = docker_archive(tmp_path / "a.tar", {PILOT: contents[:1], PROXY: contents})
    proxy = Cutting(registry.host)
    try:
        one, some = with_docker(proxy.host, engine.env["DOCKER_HOST"]), wanted(proxy.host, archive)
        proxy.budget = 2_500_000
        with pytest.raises(TargetError, match=r"proxyv2:1\.9\.5 was not pushed: the connection broke"):
            push(one, some)
        proxy.budget, proxy.sent = None, 0
        reported = push(one, some)
        assert "there already" in reported[0]
        # Of 4.5 MB in all only the layer that was under way is sent again.
        assert 1_500_000 < proxy.sent < 2_000_000
        assert not asyncio.run(one.missing(some))
    finally:
        proxy.close()


def test_an_engine_that_does_not_answer_is_reported(registry, with_docker, tmp_path):
    if not shutil.which("docker"):
        pytest.skip("needs docker (Debian: docker.io)")
    some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]}))
    with pytest.raises(TargetError, match="not pushed: the Docker engine of this machine does not answer"):
        push(with_docker(registry.host, f"unix://{tmp_path}/none.sock"), some)


def test_an_archive_that_docker_cannot_load_is_reported(with_docker, tmp_path):
    some = wanted("127.0.0.1:1", oci_layout(tmp_path / "oci", "istio/pilot:1.20.0", [b"pilot"]))
    one = with_docker("127.0.0.1:1", "unix:///nowhere")
    with pytest.raises(UsageError, match="install skopeo for this one"):
        asyncio.run(one._docker("docker", some[0]))
