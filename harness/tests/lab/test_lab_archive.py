"""Images written by hand are what container engines read."""

import hashlib
import json
import tarfile
from pathlib import Path

from airgap.archive import Folder, ImageConfig, Link, Text, write_images, write_layer


def listed(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_a_layer_has_what_was_asked_for_and_the_folders_above_it(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    entries = {"usr/bin/program": program, "etc/motd": Text("hello\n"), "bin": Link("/usr/bin"), "tmp": Folder(0o1777)}
    write_layer(tmp_path / "layer.tar", entries)
    members = listed(tmp_path / "layer.tar")
    assert set(members) == {"usr", "usr/bin", "usr/bin/program", "etc", "etc/motd", "bin", "tmp"}
    assert (members["usr/bin/program"].mode, members["etc/motd"].mode) == (0o755, 0o644)
    assert (members["usr/bin"].mode, members["tmp"].mode) == (0o755, 0o1777)
    assert members["bin"].linkname == "/usr/bin"
    assert list(members).index("usr") < list(members).index("usr/bin") < list(members).index("usr/bin/program")


def test_the_same_content_has_the_same_digest_whoever_wrote_it_and_when(tmp_path: Path) -> None:
    digests = set()
    for number in (1, 2):
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "file").write_text("content")
        layer = tmp_path / f"{number}.tar"
        write_layer(layer, {"opt": folder / "sub" / "file", "srv/one": Text("x")})
        digests.add(hashlib.sha256(layer.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_archive_names_each_image_and_keeps_a_shared_layer_once(tmp_path: Path) -> None:
    base, top = tmp_path / "base.tar", tmp_path / "top.tar"
    write_layer(base, {"base": Text("base")})
    write_layer(top, {"top": Text("top")})
    config = ImageConfig(entrypoint=("/top",), user="1337:1337", stop_signal="SIGRTMIN+3")
    images = {"registry.invalid/one:1": (config, [base, top]), "registry.invalid/two:2": (ImageConfig(), [base])}
    write_images(tmp_path / "images.tar", images)
    with tarfile.open(tmp_path / "images.tar") as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        document = json.load(tar.extractfile(manifest[0]["Config"]))  # type: ignore[arg-type]
        for layer, diff_id in zip(manifest[0]["Layers"], document["rootfs"]["diff_ids"], strict=True):
            content = tar.extractfile(layer)
            assert content is not None
            assert diff_id == f"sha256:{hashlib.sha256(content.read()).hexdigest()}"
    assert [image["RepoTags"] for image in manifest] == [["registry.invalid/one:1"], ["registry.invalid/two:2"]]
    assert len([name for name in names if name.endswith("layer.tar")]) == 2
    assert document["config"]["Entrypoint"] == ["/top"]
    assert document["config"]["User"] == "1337:1337"
    assert document["config"]["StopSignal"] == "SIGRTMIN+3"
    assert "Cmd" not in document["config"]
