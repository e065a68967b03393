"""Which behaviour an image gets."""

from __future__ import annotations

from collections.abc import Callable

from meshproof.workload.behaviours import echo, helloworld, httpbin
from meshproof.workload.identity import Identity
from meshproof.workload.message import Reply, Request

Behaviour = Callable[[Request], Reply]


def behaviour(identity: Identity) -> Behaviour:
    """The sample that the image's name names, whatever its registry, tag or digest; any other image is an echo."""
    name = identity.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if "helloworld" in name:
        return helloworld.behaviour(identity)
    if name == "httpbin":
        return httpbin.behaviour(lists=False)
    if name == "go-httpbin":
        return httpbin.behaviour(lists=True)
    return echo.behaviour(identity)
