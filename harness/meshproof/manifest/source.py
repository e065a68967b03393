"""From paths to texts: files, folders and standard input, bounded in size and proven to be text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from yaml.reader import Reader

from meshproof.border.facts.provenance import Digest
from meshproof.errors import Location, ManifestError, Problem, UsageError
from meshproof.manifest.documents.other_files import is_kustomization
from meshproof.manifest.syntax.languages import language_of
from meshproof.manifest.syntax.templates import Language

MEGABYTE = 1024 * 1024
LARGEST_FILE = 64 * MEGABYTE
# Of all files of one load: some twelve times as much memory is needed.
MOST_TEXT = 64 * MEGABYTE
ENDINGS = (".yaml", ".yml", ".json")

# What a run leaves in its folder, and how many files of subfolders, which may hold anything, are looked at.
EVENTS = "events.ndjson"
MOST_LOOKED_AT = 2_000
# The folder of JavaScript's packages.
PACKAGES = "node_modules"
STDIN = "-"
STDIN_NAME = "<stdin>"


def texts(
    paths: Sequence[str],
    stdin: TextIO | None,
    contents: Iterable[tuple[str, bytes]] | None = None,
    seen: Callable[[Digest], object] | None = None,
    odd: Callable[[bytes, ManifestError], object] | None = None,
) -> Iterator[tuple[str, str]]:
    """Each file's name and text; a folder gives its own files in order, without its subfolders, as kubectl does.

    Where `contents` are given, files by their names, nothing else is read. `seen` is told the digest of each file,
    and `odd` of each that is no text that YAML can be, which is left out then.
    Raises ManifestError for a file of more than 64 MB, and where all of them together are more.
    """
    total = 0
    given = contents_of(paths, stdin) if contents is None else sorted(contents, key=lambda one: _last(one[0]))
    for name, data in given:
        total += len(data)
        if seen is not None:
            from hashlib import sha256

            seen(Digest(name, sha256(data).hexdigest(), len(data)))
        try:
            text = decoded(name, data)
        except ManifestError as error:
            if odd is None or len(data) > LARGEST_FILE:
                raise
            odd(data, error)
            text = ""
        del data
        if total > MOST_TEXT:
            message = f"with this file the manifests are more than {MOST_TEXT // MEGABYTE} MB in all"
            raise ManifestError(Problem(Location(name, 1, 1), message, "name fewer of them at once"))
        yield name, text


def contents_of(paths: Sequence[str], stdin: TextIO | None) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content; raises UsageError for a path that is not there or cannot be read.

    Kustomizations come first: what they call a patch may stand before them, or in another folder.
    """
    several = [file for path in paths for file in ([path] if path == STDIN else map(str, _files(Path(path))))]
    for file in sorted(several, key=_last):
        if file == STDIN:
            yield STDIN_NAME, _drain(stdin or sys.stdin)
            continue
        try:
            with Path(file).open("rb") as opened:
                data = opened.read(LARGEST_FILE + 1)
        except OSError as error:
            raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
        yield file, data


def _last(file: str) -> bool:
    return not is_kustomization(file)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            if not path.exists():
                raise UsageError(f"{path}: there is no such file or folder")
            return [path]
        found = sorted(one for one in path.iterdir() if is_manifest(one.name) and one.is_file())
        deeper = not found and any(child.is_dir() for child in path.iterdir())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if not found:
        searched = "its subfolders are not searched: name them as well, or all of them with -R"
        hint = searched if deeper else "name a folder that holds manifests"
        if others := in_other_languages(path):
            hint = "; ".join(f"{files[0]} is {one.name}: {one.hint}" for one, files in others.items())
        raise ManifestError(Problem(Location(str(path), 1, 1), f"the folder has no {', '.join(ENDINGS)} file", hint))
    return found


def in_other_languages(folder: Path) -> dict[Language, list[str]]:
    """The files of a folder that manifests may be made from, by their languages; raises OSError."""
    found: dict[Language, list[str]] = {}
    for name in sorted(one.name for one in folder.iterdir() if one.is_file()):
        if not is_manifest(name) and (language := language_of(name)):
            found.setdefault(language, []).append(name)
    return found


def beneath(paths: Iterable[str]) -> tuple[str, ...]:
    """The same with each folder's manifests in the place of the folder, those of all its subfolders too.

    Hidden folders, those that are links, packages of JavaScript and what runs have left are left out; a folder without
    manifests stays what it is.
    """
    return tuple(file for path in paths for file in _beneath(path))


def _beneath(path: str) -> Sequence[str]:
    if path == STDIN or not Path(path).is_dir():
        return [path]

    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}")

    found: list[str] = []
    for folder, folders, files in os.walk(path, onerror=refuse):
        folders[:] = sorted(one for one in folders if not _is_passed_over(Path(folder, one)))
        several = (Path(folder, name) for name in sorted(files) if is_manifest(name))
        # A link may lead nowhere, as an editor's lock does, and a pipe would never end.
        found += [str(one) for one in several if one.is_file()]
    return found or [path]


def is_manifest(name: str) -> bool:
    """Whether a file of a folder is read, by its name or by its path."""
    return name.endswith(ENDINGS) or is_kustomization(name)


def unsearched(path: Path) -> list[str]:
    """The subfolders of a folder that hold manifests, which are not read; no more than a first look tells.

    What runs have left there is none of them.
    """
    found = []
    looked = MOST_LOOKED_AT
    for child in sorted(one for one in path.iterdir() if one.is_dir() and not _is_passed_over(one)):
        for file in islice(child.rglob("*"), looked):
            looked -= 1
            if file.suffix in ENDINGS[:2] and file.is_file():
                found.append(child.name)
                break
    return found


def _is_passed_over(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name == PACKAGES or _is_left(folder)


def _is_left(folder: Path) -> bool:
    """Whether a folder is a run's, or keeps itself out of git as the folder of all runs does."""
    try:
        return (folder / EVENTS).is_file() or (folder / ".gitignore").read_bytes().strip() == b"*"
    except OSError:
        return False


def _drain(stdin: TextIO) -> bytes:
    binary = getattr(stdin, "buffer", None)
    if binary is not None:
        return bytes(binary.read(LARGEST_FILE + 1))
    return stdin.read(LARGEST_FILE + 1).encode("utf-8", "surrogatepass")


def decoded(name: str, data: bytes) -> str:
    """The text of a file; raises ManifestError where it is none that YAML can be."""
    if len(data) > LARGEST_FILE:
        message = f"larger than {LARGEST_FILE // MEGABYTE} MB"
        raise ManifestError(Problem(Location(name, 1, 1), message, "name the manifests themselves"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problem = Problem(_end(name, before), f"not UTF-8: byte 0x{data[error.start]:02x}", "save the file as UTF-8")
        raise ManifestError(problem) from None
    text = text.removeprefix("\ufeff")
    odd = Reader.NON_PRINTABLE.search(text)
    if odd:
        message = f"the character U+{ord(odd.group()):04X} cannot stand in YAML"
        raise ManifestError(Problem(_end(name, text[: odd.start()]), message, "this may not be a text file"))
    return text


def _end(name: str, before: str) -> Location:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Location(name, len(lines), len(lines[-1]) + 1)
