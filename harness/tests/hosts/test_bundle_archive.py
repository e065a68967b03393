"""An archive of unknown origin unpacks to plain files and folders, or not at all."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from meshproof.errors import UsageError
from meshproof.targets.hosts.bundle.archive import unpack


def member(name, data=b"x", *, kind=tarfile.REGTYPE, mode=0o644, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    return info, data


def archive(path: Path, *members, ending="gz"):
    with tarfile.open(path, f"w:{ending}", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("ending", ["", "gz", "bz2"])
def test_plain_files_and_folders_are_unpacked(tmp_path, ending):
    long = "kernel/" + "n" * 150 + ".rpm"
    packed = archive(
        tmp_path / "a.tar",
        member("./kernel/", kind=tarfile.DIRTYPE, mode=0o777),
        member("./images/image_push.sh", b"#!/bin/sh\n", mode=0o6777),
        member(long, b"long"),
        member("istio-1.9.5/bin/istioctl", b"b" * 700_000, mode=0o755),
        ending=ending,
    )
    out = tmp_path / "out"
    unpack(packed, out)
    assert (out / long).read_bytes() == b"long"
    assert (out / "istio-1.9.5/bin/istioctl").stat().st_size == 700_000
    assert os.access(out / "istio-1.9.5/bin/istioctl", os.X_OK)
    # Neither set-user-id nor writable by everybody, whatever the archive says.
    assert (out / "images/image_push.sh").stat().st_mode & 0o7022 == 0
    assert (out / "kernel").stat().st_mode & 0o077 == 0


HOSTILE = {
    "absolute": (member("/etc/passwd"), "relative name"),
    "up": (member("kernel/../../x"), "leads out"),
    "symlink": (member("kernel/x", kind=tarfile.SYMTYPE, link="/etc/shadow"), "is a link"),
    "hard link": (member("kernel/x", kind=tarfile.LNKTYPE, link="kernel/y"), "is a link"),
    "character device": (member("null", kind=tarfile.CHRTYPE), "neither a plain file"),
    "block device": (member("sda", kind=tarfile.BLKTYPE), "neither a plain file"),
    "fifo": (member("pipe", kind=tarfile.FIFOTYPE), "neither a plain file"),
    "backslash": (member("..\\..\\x"), "relative name"),
    "root as a file": (member("./"), "not a name"),
    "deep": (member("/".join("d" * 40)), "not a name"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path, case):
    bad, words = HOSTILE[case]
    packed = archive(tmp_path / "a.tar.gz", member("kernel/good.rpm"), bad)
    with pytest.raises(UsageError, match=words):
        unpack(packed, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz"]


def test_a_file_that_comes_twice_is_refused(tmp_path):
    packed = archive(tmp_path / "a.tar", member("kernel/k.rpm", b"checked"), member("./kernel//k.rpm", b"other"))
    with pytest.raises(UsageError, match="twice"):
        unpack(packed, tmp_path / "out")


def test_an_archive_bomb_is_refused_before_it_fills_the_disk(tmp_path):
    packed = tmp_path / "a.tar.gz"
    with gzip.open(packed, "wb") as stream:
        info, _ = member("zeros")
        info.size = 100 * 1024 * 1024
        stream.write(info.tobuf())
        for _ in range(100):
            stream.write(bytes(1024 * 1024))
    assert packed.stat().st_size < 1024 * 1024
    with pytest.raises(UsageError, match="which is refused"):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_record_that_would_fill_the_memory_is_refused(tmp_path):
    packed = tmp_path / "a.tar.gz"
    header, _ = member("x")
    header.type, header.size = tarfile.XHDTYPE, 60 * 1024 * 1024
    with gzip.open(packed, "wb") as stream:
        stream.write(header.tobuf())
        stream.write(bytes(header.size))
    with pytest.raises(UsageError, match="record"):
        unpack(packed, tmp_path / "out")


def test_a_sparse_file_is_refused(tmp_path):
    info, _ = member("hole")
    info.type = tarfile.GNUTYPE_SPARSE
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    raw[483:495] = b"77777777777\0"
    raw[148:156] = b"        "
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    (tmp_path / "a.tar").write_bytes(bytes(raw) + bytes(1024))
    with pytest.raises(UsageError, match="hole"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("keep", [0, 5, 300, 5000])
def test_a_damaged_archive_is_refused(tmp_path, keep):
    whole = archive(tmp_path / "whole.tar.gz", member("kernel/k.rpm", os.urandom(20_000))).read_bytes()
    cut = tmp_path / "a.tar.gz"
    cut.write_bytes(whole[:keep])
    with pytest.raises(UsageError, match=r"a\.tar\.gz"):
        unpack(cut, tmp_path / "out")
    assert not (tmp_path / "out").exists()
