"""Which meshproof runs in a pod, and whether it is the one that drives it: the two speak no fixed language.

Standard library only: the workload reads it where it starts.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version

from meshproof.errors import TargetError
from meshproof.suite import PACKAGE, folder

PARTS = ("workload", "traffic")
DIGITS = 8
UNTOLD = "of a version that it does not tell"


@functools.cache
def pod_version() -> str:
    """The release, and a digest of the code that runs in pods: `0.1.0+3f9a1c77`."""
    places = [PACKAGE / name for name in PARTS] + [folder("loadtests")]
    found = sorted((place.name, path.name, path) for place in places for path in place.glob("*.py"))
    digest = hashlib.sha256()
    for place, name, path in found:
        digest.update(f"{place}/{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{version('meshproof')}+{digest.hexdigest()[:DIGITS]}"


def check_pod_version(told: object, where: str) -> None:
    """Raise TargetError unless a pod says that it runs this very meshproof; `told` None: it says nothing."""
    if told != pod_version():
        raise TargetError(
            f"the image of {where} has a meshproof {told if isinstance(told, str) and told else UNTOLD}, "
            f"and this is {pod_version()}: the two must be the same",
            "build the image anew with this meshproof (`meshproof image DIR` writes fixtures/Dockerfile and what it "
            "needs) and name it with --image, "
            "or install the meshproof that the image was built with; without --image, --target kind builds its own",
        )
