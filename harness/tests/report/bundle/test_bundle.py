"""Bundles: the same bytes for the same run, read again as they were, and a stranger's is refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.facts.provenance import Question
from meshproof.border.verdict import Precision
from meshproof.errors import UsageError
from meshproof.report.bundle import archive
from meshproof.report.bundle.archive import packed, read, unpacked
from meshproof.report.bundle.index import INDEX, Bundle, index

SPECIFIED, APPLIED = "manifests/verify/specified-0.yaml", "manifests/verify/applied-0.yaml"
BUNDLE = Bundle(
    "20260131T101500Z-c0ffee",
    "0.1.0",
    Question("shop", ("GET http://shop/ x:y",), "web", False, True),
    ("EnvoyFilter",),
    Precision(0.001, 0.01, 0.03, None),
    7,
    SPECIFIED,
    APPLIED,
    {SPECIFIED: b"kind: Service\nvalue: '[redacted]'\n", APPLIED: b"kind: Service\n"},
)


def test_what_is_packed_is_unpacked() -> None:
    assert unpacked(packed(BUNDLE), "b") == BUNDLE
    assert json.loads(index(BUNDLE))["hidden"] == 1


def test_the_same_run_has_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = packed(BUNDLE)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setattr(os, "getuid", lambda: 12)
    assert packed(replace(BUNDLE, files=dict(reversed(BUNDLE.files.items())))) == first
    assert packed(replace(BUNDLE, seed=8)) != first


Edit = Callable[[tarfile.TarInfo], object]


def tar(*entries: tuple[str, bytes, Edit | None], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of these entries, each edited before it is written."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as written:
        for name, data, edit in entries:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if edit:
                edit(member)
            written.addfile(member, io.BytesIO(data) if member.type in tarfile.REGULAR_TYPES else None)
    return gzip.compress(raw.getvalue(), mtime=0)


GOOD = (INDEX, index(BUNDLE), None)


def with_more(name: str, data: bytes = b"x", edit: Edit | None = None, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A good bundle with one more entry."""
    return tar(GOOD, *((one, content, None) for one, content in BUNDLE.files.items()), (name, data, edit), form=form)


def kind(letter: bytes, target: str = "/etc/passwd") -> Edit:
    def edit(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = letter, target, 0

    return edit


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.yaml",
        "/etc/cron.d/x",
        "manifests/../../x/applied-0.yaml",
        "manifests/../applied-0.yaml",
        "manifests/./applied-0.yaml",
        "manifests/.ssh/applied-0.yaml",
        "manifests/verify/applied-0.yaml\nx",
        "manifests/verify/applied-0.yaml\n",
        "manifests/verify/applied-0.yaml/",
        "manifests\\verify\\applied-0.yaml",
        "manifests/verify/applied-00000.yaml",
        "manifests/ver ify/applied-0.yaml",
        "manifests/verify/\u202eapplied-0.yaml",
        "manifests/verify/a/applied-0.yaml",
        "C:applied-0.yaml",
        "index.json.",
        "",
        "x" * 90,
    ],
)
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"holds no file of the name|no tar archive") as refused:
        unpacked(with_more(name), "b")
    assert "\u202e" not in str(refused.value)


KINDS = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "contiguous": tarfile.CONTTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "unknown": b"Z",
}


@pytest.mark.parametrize("letter", KINDS.values(), ids=KINDS)
def test_what_is_no_plain_file_is_refused(letter: bytes) -> None:
    with pytest.raises(UsageError, match=r"no plain file|no tar archive"):
        unpacked(with_more("manifests/other/applied-0.yaml", edit=kind(letter)), "b")


def extended(member: tarfile.TarInfo) -> None:
    member.pax_headers = {"path": "manifests/other/applied-0.yaml", "GNU.sparse.size": "9999999999"}


def test_extended_headers_are_refused() -> None:
    with pytest.raises(UsageError, match="extended headers"):
        unpacked(with_more("manifests/other/applied-0.yaml", edit=extended, form=tarfile.PAX_FORMAT), "b")


def test_an_entry_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        unpacked(with_more(SPECIFIED, b"kind: Service\nvalue: '[redacted]'\n"), "b")


def test_too_many_entries_are_refused() -> None:
    several = [(f"manifests/verify/applied-{number}.yaml", b"", None) for number in range(50)]
    with pytest.raises(UsageError, match="more than 16 files"):
        unpacked(tar(GOOD, *several), "b")


def test_a_bomb_is_refused_without_being_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_INSIDE", archive.MEGABYTE)
    bomb = gzip.compress(bytes(8 * archive.MEGABYTE))
    assert len(bomb) < 20_000
    with pytest.raises(UsageError, match="when unpacked"):
        unpacked(bomb, "b")


def test_sizes_that_lie_are_refused() -> None:
    whole = gzip.decompress(packed(BUNDLE))
    for size in (b"77777777777\0", b"00000777777\0", b"-0000000001\0", b"\xff" * 12):
        forged = bytearray(whole)
        forged[124:136] = size
        forged[148:156] = b" " * 8
        forged[148:156] = b"%06o\0 " % sum(forged[:512])
        with pytest.raises(UsageError):
            unpacked(gzip.compress(bytes(forged)), "b")


def test_damage_is_refused() -> None:
    good = packed(BUNDLE)
    for data in (b"", b"no gzip", good[:-9], good[: len(good) // 2], good + b"more", good + good):
        with pytest.raises(UsageError, match=r"no gzip|cut off"):
            unpacked(data, "b")
    for inside in (b"", b"\0" * 1024, b"x" * 2048):
        with pytest.raises(UsageError, match=r"tar archive|has no index"):
            unpacked(gzip.compress(inside), "b")
    with pytest.raises(UsageError, match="has no index"):
        unpacked(tar((SPECIFIED, b"", None)), "b")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda data: data.update(kind="Other"), "no bundle"),
        (lambda data: data.pop("question"), "lacks a field"),
        (lambda data: data.update(seed=True), "lacks a field"),
        (lambda data: data.update(seed=1e400), "lacks a field"),
        (lambda data: data.update(allowed="EnvoyFilter"), "lacks a field"),
        (lambda data: data["question"].update(requests=[1]), "lacks a field"),
        (lambda data: data["question"].update(requests=["x"] * 20_000), "lacks a field"),
        (lambda data: data["question"].update(strict="no"), "lacks a field"),
        (lambda data: data["precision"].update(alpha=0), "lacks a field"),
        (lambda data: data["precision"].update(beta=float("nan")), "lacks a field"),
        (lambda data: data["precision"].update(tolerance=5), "lacks a field"),
        (lambda data: data["precision"].update(max_requests=0), "lacks a field"),
        (lambda data: data.update(specified="/etc/passwd"), "names files that are not in it"),
        (lambda data: data["files"].update({APPLIED: "0" * 64}), "it was changed"),
        (lambda data: data["files"].pop(APPLIED), "it was changed"),
    ],
)
def test_an_index_that_is_none_is_refused(edit: Callable[[Any], object], message: str) -> None:
    data = json.loads(index(BUNDLE))
    edit(data)
    files = [(name, content, None) for name, content in BUNDLE.files.items()]
    with pytest.raises(UsageError, match=message):
        unpacked(tar((INDEX, json.dumps(data).encode(), None), *files), "b")


def test_an_index_that_is_no_json_is_refused() -> None:
    for data in (b"", b"[]", b"[" * 100_000, b"\xff", b"1"):
        with pytest.raises(UsageError, match="index"):
            unpacked(tar((INDEX, data, None)), "b")
    with pytest.raises(UsageError, match="larger than 4 MB"):
        unpacked(tar((INDEX, bytes(5 << 20), None)), "b")


def test_only_a_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(UsageError, match="is no file"):
            read(path)
    file = tmp_path / "b.tar.gz"
    file.write_bytes(packed(BUNDLE))
    assert read(file) == BUNDLE
