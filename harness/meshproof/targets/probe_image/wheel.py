"""A wheel of the meshproof that runs at this moment, from whatever it was installed as; nothing is fetched or built."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from meshproof.suite import PACKAGE, folder

CONTENT = ("loadtests",)
"""What a pod needs beside the package."""
NEEDED = ("locust", "h2", "httptools", "uvloop")
LEFT_OUT = {"__pycache__", "_suite"}
EPOCH = (1980, 1, 1, 0, 0, 0)


def write(into: Path) -> tuple[Path, str]:
    """Write the wheel into a folder; its path, and a digest that is the same for the same content."""
    name = f"meshproof-{version('meshproof')}"
    path = into / f"{name}-py3-none-any.whl"
    info = f"{name}.dist-info"
    files = dict(sorted(_files()))
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: meshproof\nVersion: {version('meshproof')}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: meshproof\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{file},sha256={_digest(data)},{len(data)}\n" for file, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in files.items():
            # With a fixed time, the same content gives the same wheel.
            archive.writestr(zipfile.ZipInfo(file, EPOCH), data, zipfile.ZIP_DEFLATED)
    return path, hashlib.sha256(record.encode()).hexdigest()


def requirements() -> str:
    """What the pod's part of the package imports, in the versions of this machine."""
    return "".join(f"{name}=={version(name)}\n" for name in NEEDED)


def _files() -> Iterator[tuple[str, bytes]]:
    roots = [("meshproof", PACKAGE), *((f"meshproof/_suite/{name}", folder(name)) for name in CONTENT)]
    for name, root in roots:
        for path in root.rglob("*"):
            inside = path.relative_to(root)
            if path.is_file() and not LEFT_OUT & set(inside.parts) and path.suffix != ".pyc":
                yield f"{name}/{inside.as_posix()}", path.read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
