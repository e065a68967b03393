"""What a bundle holds: kernel packages, images, and Istio's release.

Without a description its layout is: `kernel/` with .rpm or .deb files, `images/` with
image archives, and Istio's release unpacked as `istio-X.Y.Z/`. A `bundle.yaml` at its top describes another layout:

    kernel: [packages/kernel-lt-*.rpm, packages/linux-firmware-*.rpm]
    images: [images/*.tar]
    istio: istio-1.9.5
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from meshproof.bounded import read_file
from meshproof.errors import Location, ManifestError, Problem, UsageError
from meshproof.manifest.compose import compose
from meshproof.manifest.value import Value
from meshproof.records import dataclass

DESCRIPTION = "bundle.yaml"
PACKAGES = (".rpm", ".deb")
IMAGES = (".tar", ".tar.gz", ".tgz")
RELEASE = re.compile(r"istio-(\d+\.\d+\.\d+(?:-[0-9a-z.]+)?)")
FIELDS = ("kernel", "images", "istio")
LARGEST_DESCRIPTION = 64 * 1024
# As many as an archive may hold.
MOST_FILES = 50_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a bundle: kernel packages, image archives or layouts, and the folder of Istio's release.

    `ignored` are scripts in it, which are never run.
    """

    folder: Path
    packages: tuple[Path, ...] = ()
    images: tuple[Path, ...] = ()
    istio: Path | None = None
    ignored: tuple[Path, ...] = ()

    @property
    def istio_version(self) -> str:
        """`X.Y.Z`, from the folder's name; empty without Istio."""
        found = RELEASE.fullmatch(self.istio.name) if self.istio else None
        return found[1] if found else ""


def read(folder: Path) -> Bundle:
    """What the bundle in `folder` holds; raises UsageError, and ManifestError for its description."""
    folder = folder.resolve()
    top = _top(folder)
    described = top / DESCRIPTION
    bundle = _described(top, described) if described.is_file() else _by_layout(top)
    if not (bundle.packages or bundle.images or bundle.istio):
        raise UsageError(
            f"{folder}: holds neither kernel packages, nor images, nor Istio; a bundle has kernel/, images/ and "
            f"istio-X.Y.Z/, or a {DESCRIPTION}"
        )
    for kind in PACKAGES:
        if 0 < len([path for path in bundle.packages if path.suffix == kind]) < len(bundle.packages):
            raise UsageError(f"{folder}: mixes .rpm and .deb packages; describe it in a {DESCRIPTION}")
    return bundle


def _top(folder: Path) -> Path:
    """The folder itself, or the only folder in it when an archive wraps everything in one."""
    if _known(folder):
        return folder
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    return inside[0] if len(inside) == 1 and _known(inside[0]) else folder


def _known(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return bool(names & {"kernel", "images", DESCRIPTION}) or any(RELEASE.fullmatch(name) for name in names)


def _by_layout(top: Path) -> Bundle:
    releases = [path for path in sorted(top.iterdir()) if RELEASE.fullmatch(path.name) and path.is_dir()]
    if len(releases) > 1:
        names = ", ".join(path.name for path in releases)
        raise UsageError(f"{top}: holds more than one Istio ({names}); say which in a {DESCRIPTION}")
    folders = [path for path in (top / "kernel", top / "images") if path.is_dir()]
    everything = [path for folder in folders for path in _within(folder)]
    return Bundle(
        top,
        tuple(path for path in everything if path.suffix in PACKAGES and path.is_file()),
        tuple(path for path in everything if _is_image(path)),
        releases[0] if releases else None,
        tuple(path for path in everything if path.suffix == ".sh"),
    )


def _within(folder: Path) -> list[Path]:
    found = sorted(islice(folder.rglob("*"), MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise UsageError(f"{folder}: holds more than {MOST_FILES} files")
    return found


def _is_image(path: Path) -> bool:
    return (path.is_file() and path.name.endswith(IMAGES)) or (path / "oci-layout").is_file()


def _described(top: Path, file: Path) -> Bundle:
    try:
        text = read_file(file, LARGEST_DESCRIPTION).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    documents = list(compose(text, str(file)))
    if len(documents) != 1:
        raise ManifestError(Problem(Location(str(file), 1, 1), "a bundle is described by one document"))
    (root,) = documents
    for name, value in root.fields().items():
        if name not in FIELDS:
            raise value.problem(f"{name} is not a field of a bundle", f"a bundle has {', '.join(FIELDS)}")
    istio = root.get("istio")
    release = _inside(top, istio) if istio else None
    if istio and (release is None or not RELEASE.fullmatch(release.name) or not release.is_dir()):
        raise istio.problem("this is not the folder of a release of Istio", "name it as in istio-1.9.5")
    packages = _matching(top, root.list("kernel"), "package (.rpm or .deb)", _is_package)
    return Bundle(top, packages, _matching(top, root.list("images"), "image archive", _is_image), release)


def _is_package(path: Path) -> bool:
    return path.suffix in PACKAGES and path.is_file()


def _inside(top: Path, value: Value) -> Path:
    text = value.text()
    if text.startswith("/") or ".." in text.split("/"):
        raise value.problem("leads out of the bundle", "name what is in it, relative to this file")
    return top / text


def _matching(top: Path, patterns: tuple[Value, ...], what: str, fits: Callable[[Path], bool]) -> tuple[Path, ...]:
    found: list[Path] = []
    for pattern in patterns:
        _inside(top, pattern)
        try:
            matches = sorted(islice(top.glob(pattern.text()), MOST_FILES + 1))
        except (ValueError, IndexError, NotImplementedError):
            # The last two for a pattern that names no file, depending on Python's version.
            raise pattern.problem(f"{pattern.shown} is no pattern for files", "as in kernel/*.rpm") from None
        if not matches or len(matches) > MOST_FILES:
            number = f"more than {MOST_FILES} files match" if matches else "no file of the bundle matches"
            raise pattern.problem(f"{number} {pattern.shown}")
        for path in matches:
            # A folder that was not unpacked from an archive may hold links.
            if not path.resolve().is_relative_to(top.resolve()):
                raise pattern.problem(f"{path.name} is a link that leads out of the bundle")
            if not fits(path):
                raise pattern.problem(f"{path.name} is not a {what}")
        found += [path for path in matches if path not in found]
    return tuple(found)
