"""`python -m meshproof.traffic SHAPE [--workers N]`: the load generator where it has to run, such as in a container.

It becomes Locust with the locustfile of that shape that is installed here; whoever runs it drives
it over its standard input and output. With N workers it starts these beside it and is their master.
With `fork-server` for SHAPE it imports Locust once, and forks a generator for each order.
"""

from __future__ import annotations

import argparse
import sys

from meshproof.border.load import Vantage
from meshproof.errors import MeshproofError
from meshproof.fork_server.server import serve
from meshproof.pod_version import pod_version
from meshproof.traffic import wire
from meshproof.traffic.command import FORK_SERVER, command_line
from meshproof.traffic.distributed.launch import become, launch


def main() -> None:
    if sys.argv[1:] == [FORK_SERVER]:
        from meshproof.traffic.preloaded import prepare

        serve(prepare)
    parser = argparse.ArgumentParser(prog="python -m meshproof.traffic", allow_abbrev=False)
    parser.add_argument("shape", metavar="SHAPE")
    parser.add_argument("--workers", type=int, default=0, metavar="N")
    values = parser.parse_args()
    print(wire.line({"version": pod_version()}).decode(), end="", flush=True)
    try:
        if values.workers:
            launch(values.shape, values.workers)
        become(command_line(values.shape, Vantage()), {})
    except MeshproofError as error:
        sys.exit(f"meshproof.traffic: {error}")


if __name__ == "__main__":
    main()
