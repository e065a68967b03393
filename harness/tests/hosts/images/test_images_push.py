"""Images pushed with skopeo to a real registry, and the errors when that fails."""

import asyncio
import hashlib
import http.client
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from meshproof.border.inventory import RegistryEntry
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.targets.hosts.images.archive import images
from meshproof.targets.hosts.images.credentials import Credentials
from meshproof.targets.hosts.images.naming import parse_hub, tagged_images
from meshproof.targets.hosts.prepare.steps.images import plan_images

from .conftest import USER, WORD, Cutting, docker_archive, oci_layout, serve

PILOT, PROXY = "docker.io/istio/pilot:1.9.5", "docker.io/istio/proxyv2:1.9.5"


def wanted(host, *paths):
    return tagged_images([image for path in paths for image in images(path)], parse_hub(f"{host}/library"))


def push(pusher, some):
    reported = []
    asyncio.run(pusher.push(some, reported.append))
    return reported


def stored(host, name):
    connection = http.client.HTTPConnection(host)
    head = {"Authorization": f"Basic {Credentials(USER, WORD).basic}"}
    head["Accept"] = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    connection.request("GET", name, headers=head)
    return connection.getresponse().read()


def test_images_arrive_under_the_hub_and_are_not_pushed_twice(registry, pusher, tmp_path):
    archive = docker_archive(tmp_path / "istio.tar.gz", {PILOT: [b"pilot"], PROXY: [b"proxy", b"envoy" * 9000]})
    some = wanted(registry.host, archive, oci_layout(tmp_path / "oci", "istio/install-cni:1.9.5", [b"cni"]))
    one = pusher(registry.host)
    assert asyncio.run(one.check(some[0].hub)) == "OCI registry"
    assert len(asyncio.run(one.missing(some))) == 3
    reported = push(one, some)
    assert [line.rpartition("pushed with ")[2] for line in reported] == ["skopeo"] * 3
    manifest = json.loads(stored(registry.host, "/v2/library/proxyv2/manifests/1.9.5"))
    config = stored(registry.host, f"/v2/library/proxyv2/blobs/{manifest['config']['digest']}")
    # The registry has the same content as the archive, in every layer.
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == images(archive)[1].config
    assert not asyncio.run(one.missing(some))
    assert all("there already" in line for line in push(one, some))


def test_an_image_of_several_platforms_is_pushed_completely(registry, pusher, tmp_path):
    some = wanted(registry.host, oci_layout(tmp_path / "oci", "istio/pilot:1.20.0", [b"pilot"], platforms=3))
    push(pusher(registry.host), some)
    assert not asyncio.run(pusher(registry.host).missing(some))


def test_another_image_under_the_name_is_found_and_replaced(registry, pusher, tmp_path):
    push(pusher(registry.host), wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"old"]})))
    some = wanted(registry.host, docker_archive(tmp_path / "b.tar", {PILOT: [b"new"]}))
    assert asyncio.run(pusher(registry.host).missing(some)) == some
    push(pusher(registry.host), some)
    assert not asyncio.run(pusher(registry.host).missing(some))


def test_a_layer_that_the_registry_lost_is_detected(registry, pusher, tmp_path):
    some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"lost"]}))
    push(pusher(registry.host), some)
    layer = json.loads(stored(registry.host, "/v2/library/pilot/manifests/1.9.5"))["layers"][0]["digest"]
    (gone,) = registry.root.glob(f"docker/registry/v2/blobs/sha256/*/{layer.removeprefix('sha256:')}")
    shutil.rmtree(gone)
    assert asyncio.run(pusher(registry.host).missing(some)) == some


@pytest.mark.parametrize("word", ["hunter-two", None])
def test_a_wrong_password_is_reported_before_anything_is_pushed_and_written_nowhere(registry, pusher, tmp_path, word):
    some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]}))
    one = pusher(registry.host, word)
    with pytest.raises(TargetError, match=r"refuses the name or the password|there are none"):
        asyncio.run(one.check(some[0].hub))
    with pytest.raises(TargetError) as caught:
        asyncio.run(one._skopeo(one.tool(), some[0]))
    assert "hunter" not in str(caught.value)


def test_the_password_is_in_no_argument_and_in_one_file_of_its_owner(registry, pusher, tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    shim = tmp_path / "bin" / "skopeo"
    shim.parent.mkdir()
    real = shutil.which("skopeo")
    shim.write_text(f'#!/bin/sh\n{{ echo "$@"; env; stat -c %a "$4"; }} >> {seen}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    one = pusher(registry.host)
    one.environ["PATH"] = f"{shim.parent}:{os.environ['PATH']}"
    push(one, wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]})))
    text = seen.read_text()
    assert "--authfile" in text
    assert text.splitlines()[-1] == "600"
    assert WORD not in text
    assert Credentials(USER, WORD).basic not in text
    assert WORD not in repr(one)


def test_a_push_that_was_cut_goes_on_without_sending_again_what_arrived(registry, pusher, tmp_path):
    contents = [os.urandom(1_500_000), os.urandom(1_500_000)]
    archive = docker_archive(tmp_path / "a.tar", {PILOT: contents[:1], PROXY: contents})
    proxy = Cutting(registry.host)
    try:
        one, some = pusher(proxy.host), wanted(proxy.host, archive)
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


@pytest.mark.parametrize("budget", [1, 300, 900])
def test_a_registry_that_cuts_its_answers_is_reported(registry, pusher, tmp_path, budget):
    proxy = Cutting(registry.host)
    try:
        proxy.budget = budget
        some = wanted(proxy.host, docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]}))
        with pytest.raises(TargetError, match=r"127\.0\.0\.1"):
            push(pusher(proxy.host), some)
    finally:
        proxy.close()


def test_a_registry_with_a_full_disk_is_reported_and_accepts_the_image_when_there_is_space(pusher, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    root = tmp_path / "disk"
    root.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    try:
        for registry in serve(tmp_path, root):
            some = wanted(registry.host, docker_archive(tmp_path / "a.tar", {PILOT: [os.urandom(4_000_000)]}))
            with pytest.raises(
                TargetError, match="not pushed: the registry itself failed, most often because its disk"
            ):
                push(pusher(registry.host), some)
            subprocess.run(["mount", "-o", "remount,size=64m", root], check=True)
            push(pusher(registry.host), some)
            assert not asyncio.run(pusher(registry.host).missing(some))
    finally:
        subprocess.run(["umount", root], check=True)


def test_a_registry_that_is_not_there_is_reported(pusher, tmp_path):
    some = wanted("127.0.0.1:1", docker_archive(tmp_path / "a.tar", {PILOT: [b"x"]}))
    with pytest.raises(TargetError, match=r"127\.0\.0\.1:1 gave no answer"):
        asyncio.run(pusher("127.0.0.1:1").check(some[0].hub))


def test_a_missing_tool_is_reported(pusher):
    one = pusher("127.0.0.1:1")
    one.environ["PATH"] = "/nonexistent"
    with pytest.raises(UsageError, match="neither skopeo nor docker"):
        one.tool()


def test_a_file_that_is_no_archive_of_images_is_refused(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"nothing of the kind")
    with pytest.raises(UsageError, match="not an archive of images"):
        images(tmp_path / "a.tar")
    nameless = docker_archive(tmp_path / "b.tar", {})
    with pytest.raises(UsageError, match="name"):
        images(nameless)


@pytest.mark.parametrize("name", ["pilot", "Pilot:1", "x@sha256:" + "0" * 64, "a/../b:", "pilot:tag with space"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="NAME:TAG"):
        wanted("127.0.0.1:1", docker_archive(tmp_path / "a.tar", {name: [b"x"]}))


def test_two_images_that_would_get_the_same_name_are_refused(tmp_path):
    archive = docker_archive(tmp_path / "a.tar", {"one.example/pilot:1": [b"x"], "two.example/pilot:1": [b"y"]})
    with pytest.raises(UsageError, match="differ"):
        wanted("127.0.0.1:1", archive)
    same = docker_archive(tmp_path / "b.tar", {"one.example/pilot:1": [b"x"], "two.example/pilot:1": [b"x"]})
    assert len(wanted("127.0.0.1:1", same)) == 1


@pytest.mark.parametrize("hub", ["https://x/library", "x y/library", "x/Library", "-x/library", "", "x/../y"])
def test_a_text_that_is_no_hub_is_refused(hub):
    with pytest.raises(UsageError, match="hub"):
        parse_hub(hub)


def test_colons_in_a_path_are_refused(pusher, tmp_path):
    folder = tmp_path / "a:b"
    folder.mkdir()
    some = wanted("127.0.0.1:1", docker_archive(folder / "a.tar", {PILOT: [b"x"]}))
    with pytest.raises(UsageError, match="colon"):
        asyncio.run(pusher("127.0.0.1:1")._skopeo("skopeo", some[0]))
    assert isinstance(folder, Path)


def test_the_inventory_says_where_images_go_and_who_pushes_them(registry, tmp_path):
    entry = RegistryEntry(f"http://{registry.host}", "mesh/istio", (), "", True, "PUSHER", "PUSH_WORD")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PUSHER": USER, "PUSH_WORD": WORD}
    archive = docker_archive(tmp_path / "a.tar", {PILOT: [b"pilot"], PROXY: [b"proxy"]})
    folder = tmp_path / "secret"
    folder.mkdir(mode=0o700)

    async def plan():
        return await plan_images(entry, [archive], folder, Timeouts(), environ=environ)

    first = asyncio.run(plan())
    host = registry.host
    assert first.lines() == [f"push {name} as {host}/mesh/istio/{name.rpartition('/')[2]}" for name in (PILOT, PROXY)]
    asyncio.run(first.pusher.push(first.missing, lambda _text: None))
    assert asyncio.run(plan()).missing == ()
    with pytest.raises(UsageError, match="names no registry"):
        asyncio.run(plan_images(None, [archive], folder, Timeouts(), environ=environ))
