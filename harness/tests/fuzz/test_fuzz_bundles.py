"""Archives, packages and images of unknown origin: what they hold, or one error that names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_archives as made
import pytest
import yaml
from fuzz_data import ANY, altered, damaged, nested
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import UsageError
from meshproof.targets.hosts.bundle.archive import unpack
from meshproof.targets.hosts.bundle.layout import read
from meshproof.targets.hosts.bundle.package import read_package
from meshproof.targets.hosts.images.archive import images
from meshproof.targets.hosts.images.naming import parse_hub, tagged_images

HUB = parse_hub("registry.example.com/library")
FUZZ = settings(settings.get_profile("fuzz"))


def told(path: Path, act: Callable[[], object]) -> None:
    """It ends well, or with one error that names the file."""
    try:
        act()
    except UsageError as error:
        assert str(path) in str(error)  # noqa: PT017


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_is_made_here_is_right(tmp_path: Path) -> None:
    for kind in made.PACKED:
        found = read_package(written(tmp_path / "a.deb", made.deb(kind or "")))
        assert (found.name, found.kernel) == ("linux-image-6.1", "6.1")
    assert read_package(written(tmp_path / "a.rpm", made.rpm())).kernel == "5.4-1.x86_64"
    for data in (made.docker(), made.gzipped(made.docker()), made.oci()):
        (image,) = images(written(tmp_path / "a.tar", data))
        assert image.name.endswith("istio/pilot:1.9.5")


@FUZZ
@given(data=st.sampled_from(sorted(made.PACKED)).flatmap(lambda kind: damaged(made.deb(kind))))
def test_debs(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path / "a_1_amd64.deb", data)
    told(path, lambda: read_package(path))


@FUZZ
@given(data=damaged(made.rpm()))
def test_rpms(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path / "a.rpm", data)
    told(path, lambda: read_package(path))


@FUZZ
@given(data=damaged(made.docker()), packed=st.booleans())
def test_archives(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = written(tmp_path / "a.tar", made.gzipped(data) if packed else data)
    told(path, lambda: unpack(path, tmp_path / "out"))
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    told(path, lambda: images(path))


@FUZZ
@given(data=damaged(made.gzipped(made.docker())))
def test_packed_archives(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path / "a.tar", data)
    told(path, lambda: unpack(path, tmp_path / "out"))
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    told(path, lambda: images(path))


@FUZZ
@given(document=st.one_of(altered(made.MANIFEST).map(made.docker), altered(made.INDEX).map(made.oci)))
def test_documents_of_images(tmp_path: Path, document: bytes) -> None:
    path = written(tmp_path / "a.tar", document)
    told(path, lambda: tagged_images(images(path), HUB))


PATTERNS = st.one_of(
    st.sampled_from([".", "a**b", "**", "*", "kernel/*", "[", "//", "~", "\0", "**/**/*", "kernel/../*"]),
    st.text("*?[].!/ab\0~", max_size=12),
    ANY,
)


@FUZZ
@given(kernel=PATTERNS, images=PATTERNS, istio=PATTERNS)
def test_descriptions(tmp_path: Path, kernel: Any, images: Any, istio: Any) -> None:
    (tmp_path / "kernel").mkdir(exist_ok=True)
    (tmp_path / "kernel" / "a.rpm").touch()
    body = {"kernel": [kernel], "images": [images], "istio": istio}
    written(tmp_path / "bundle.yaml", json.dumps(body).encode())
    told(tmp_path, lambda: read(tmp_path))


@pytest.mark.parametrize("pattern", [".", "a**b", "/etc/*", "**//..", ""])
def test_a_pattern_that_is_none_is_named_with_its_line(tmp_path: Path, pattern: str) -> None:
    written(tmp_path / "bundle.yaml", yaml.safe_dump({"kernel": [pattern]}).encode())
    with pytest.raises(UsageError, match=r"bundle\.yaml:\d+:\d+: "):
        read(tmp_path)


def test_what_is_drawn_from_is_the_same_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = []
    for now in (0.0, 1e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        whole.append([made.deb(kind) for kind in made.PACKED] + [made.gzipped(made.docker()), made.oci(), made.rpm()])
    assert whole[0] == whole[1]


NO_CONTROL = made.deb(files={"./md5sums": b""})
MANY = b"!<arch>\n" + made.member("x", b"") * 200


@pytest.mark.parametrize(
    "data",
    [NO_CONTROL, MANY, b"!<arch>\n" + made.member("x", b"", "-60") + b" " * 200],
    ids=["no control file", "many members", "below zero"],
)
def test_a_deb_without_a_control_file_or_with_a_size_below_zero(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path / "a.deb", data)
    with pytest.raises(UsageError, match=r"a\.deb: this is not a \.deb package"):
        read_package(path)


@pytest.mark.parametrize(
    "data",
    [
        made.rpm(size=0x0FFFFFFF),
        made.rpm({1117: (8, 0x00FFFFFF, b"\0" * 1000)}),
        made.rpm({1118: (8, 1, b"/" + b"a" * 5000 + b"\0")}),
        made.rpm({1000: (6, 1, b"k" * 5000 + b"\0")}),
    ],
    ids=["store", "files", "folder", "name"],
)
def test_an_rpm_whose_header_says_that_it_is_huge(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UsageError, match=r"a\.rpm: this is not a \.rpm package"):
        read_package(written(tmp_path / "a.rpm", data))


def test_an_archive_of_images_is_not_unpacked_beyond_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshproof.targets.hosts.bundle.archive.ALWAYS_ALLOWED", 100_000)
    data = made.gzipped(made.tar({"l/layer.tar": bytes(2_000_000), "manifest.json": b"[]"}))
    assert 700 * len(data) / 2 < 2_000_000
    with pytest.raises(UsageError, match=r"a\.tar: unpacks to more than 50 times its size"):
        images(written(tmp_path / "a.tar", data))


def test_the_documents_of_an_archive_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshproof.targets.hosts.images.archive.MOST_DOCUMENTS", 1000)
    files = {f"{number}.json": b"{" + b" " * 400 for number in range(4)}
    with pytest.raises(UsageError, match=r"a\.tar: .* more than 1000 bytes"):
        images(written(tmp_path / "a.tar", made.tar(files)))


@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
def test_deeply_nested_documents(tmp_path: Path, name: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(UsageError, match=r"a\.tar: this is not an archive of images: nested too deeply"):
        images(written(tmp_path / "a.tar", made.tar({name: deep})))


def test_a_layout_names_only_its_own_blobs(tmp_path: Path) -> None:
    index = {"manifests": [{**made.INDEX["manifests"][0], "digest": "../../../etc/hostname"}]}
    (tmp_path / "oci-layout").touch()
    written(tmp_path / "index.json", json.dumps(index).encode())
    with pytest.raises(UsageError, match="a digest of its index is none"):
        images(tmp_path)


@pytest.mark.parametrize("depth", [2, 40])
def test_nested_descriptions(tmp_path: Path, depth: int) -> None:
    written(tmp_path / "bundle.yaml", json.dumps({"kernel": nested(depth)}).encode())
    with pytest.raises(UsageError, match=r"bundle\.yaml"):
        read(tmp_path)
