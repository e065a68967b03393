"""Which meshproof runs in a pod, and whether it is the one that drives it: their messages have no fixed format.

Standard library only: the workload imports it when it starts.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version

from meshproof.errors import TargetError
from meshproof.suite import PACKAGE, folder

PARTS = ("workload", "traffic")
DIGITS = 8
UNKNOWN = "of an unknown version"


@functools.cache
def pod_version() -> str:
    """The release, and a digest of the code that runs in pods: `0.1.0+3f9a1c77`."""
    places = [PACKAGE / name for name in PARTS] + [folder("loadtests")]
    found = sorted(
        (f"{place.name}/{path.relative_to(place).as_posix()}", path) for place in places for path in place.rglob("*.py")
    )
    digest = hashlib.sha256()
    for name, path in found:
        digest.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{version('meshproof')}+{digest.hexdigest()[:DIGITS]}"


def check_pod_version(reported: object, where: str) -> None:
    """Raise TargetError unless a pod has reported this very version; `reported` None: it has reported none."""
    if reported != pod_version():
        raise TargetError(
            f"the image of {where} has a meshproof {reported if isinstance(reported, str) and reported else UNKNOWN}, "
            f"and this is {pod_version()}: the two must be the same",
            "build the image anew with this meshproof (`meshproof image DIR` writes fixtures/Dockerfile and what it "
            "needs) and name it with --image, "
            "or install the meshproof that the image was built with; without --image, --target kind builds its own",
        )
