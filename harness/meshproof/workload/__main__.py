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
from meshproof.workload.door import Door
from meshproof.workload.gate import Gate
from meshproof.workload.identity import Identity
from meshproof.workload.ledger import Ledger


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
    doors = {port: Door(lambda: Connection(site)) for port in ports}
    for door in doors.values():
        await door.open()
    stdio.say({"ready": True, "ports": {str(port): door.port for port, door in doors.items()}})
    await stdio.serve(Control(ledger, gate, tuple(doors.values()), site.drop))


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
