"""`python -m meshproof.traffic SHAPE [--master N | --worker]`: the load generator where it has to run.

It becomes Locust with the locustfile of that shape that is installed here; whoever runs it drives
it over its standard input and output: alone, as the master of N workers elsewhere, or as such a worker.
With `fork-server` for SHAPE it imports Locust once, and forks a generator for each order.
"""

from __future__ import annotations

import argparse
import sys

from meshproof.errors import MeshproofError
from meshproof.fork_server.server import serve
from meshproof.pod_version import pod_version
from meshproof.traffic import wire
from meshproof.traffic.command import FORK_SERVER
from meshproof.traffic.distributed.launch import become


def main() -> None:
    if sys.argv[1:] == [FORK_SERVER]:
        from meshproof.traffic.preloaded import prepare

        serve(prepare)
    parser = argparse.ArgumentParser(prog="python -m meshproof.traffic", allow_abbrev=False)
    parser.add_argument("shape", metavar="SHAPE")
    roles = parser.add_mutually_exclusive_group()
    roles.add_argument("--master", type=int, default=0, metavar="N")
    roles.add_argument("--worker", action="store_true")
    values = parser.parse_args()
    print(wire.line({"version": pod_version()}).decode(), end="", flush=True)
    try:
        become(
            values.shape,
            wire.WORKER if values.worker else wire.MASTER if values.master else wire.ALONE,
            values.master,
        )
    except MeshproofError as error:
        sys.exit(f"meshproof.traffic: {error}")


if __name__ == "__main__":
    main()
