"""`python -m meshproof.workload`: one replica of a Deployment as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys

from meshproof.workload import stdio
from meshproof.workload.behaviour import behaviour
from meshproof.workload.connection import Connection, Site
from meshproof.workload.control import Control
from meshproof.workload.gate import Gate
from meshproof.workload.identity import Identity
from meshproof.workload.ledger import Ledger

BACKLOG = 1024


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m meshproof.workload", description=__doc__)
    parser.add_argument("--pod", required=True, help="the pod's name")
    parser.add_argument("--workload", required=True, help="the Deployment, as namespace/name")
    parser.add_argument(
        "--image", default="", help="decides how it answers: helloworld, httpbin, go-httpbin or an echo"
    )
    parser.add_argument("--labels", type=json.loads, default={}, help="the pod's labels as JSON")
    parser.add_argument("--ports", default="", help="container ports, separated by commas")
    return parser.parse_args()


async def serve(identity: Identity, ports: list[int]) -> None:
    ledger, gate = Ledger(), Gate()
    site = Site(behaviour(identity), identity.stamp, ledger, gate)
    loop = asyncio.get_running_loop()
    bound = {}
    for port in ports:
        server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=BACKLOG)
        bound[str(port)] = server.sockets[0].getsockname()[1]
    stdio.say({"ready": True, "ports": bound})
    await stdio.serve(Control(ledger, gate))


def main() -> None:
    given = arguments()
    if not stdio.attached():
        sys.exit("meshproof.workload: standard input must be its owner's pipe (or a terminal)")
    try:
        ports = [int(port) for port in given.ports.split(",") if port]
        version = os.environ.get("SERVICE_VERSION", "")
        identity = Identity(given.pod, given.workload, given.image, given.labels, version)
    except (ValueError, TypeError) as error:
        sys.exit(f"meshproof.workload: {error}")
    # The books are long-lived and hold no cycles: walking through them would only make pauses of tens of milliseconds.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(identity, ports))
    # Nothing is worth a graceful end once the owner is gone.
    os._exit(0)


if __name__ == "__main__":
    main()
