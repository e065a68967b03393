"""`python -m meshproof.workload`: one replica of a Deployment as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys
from collections.abc import Sequence

from meshproof.fork_server.server import Program
from meshproof.fork_server.server import serve as serve_forks
from meshproof.workload.control import stdio, unix
from meshproof.workload.control.attach import SOCKET, attach
from meshproof.workload.identity import Identity
from meshproof.workload.pool import replicas
from meshproof.workload.replica import Replica

TIMEOUT = 15.0


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m meshproof.workload", description=__doc__)
    parser.add_argument("--pod", required=True, help="the pod's name")
    parser.add_argument("--workload", required=True, help="the Deployment, as namespace/name")
    parser.add_argument(
        "--image", default="", help="decides how it answers: helloworld, httpbin, go-httpbin or an echo"
    )
    parser.add_argument("--labels", type=json.loads, default={}, help="the pod's labels as JSON")
    parser.add_argument("--ports", default="", help="container ports, separated by commas")
    parser.add_argument(
        "--bind",
        default="",
        help="listen on the container ports themselves, on this address (default: free local ones)",
    )
    parser.add_argument("--socket", default="", help="take commands on this unix socket, not on standard input")
    return parser.parse_args(words)


async def serve(identity: Identity, ports: list[int], bind: str, socket: str) -> None:
    one = Replica(identity, ports, bind)
    ready = {"ready": True, "ports": await one.open()}
    if socket:
        # A replica that is started here is of this very meshproof, and is to start fast.
        from meshproof.pod_version import pod_version

        await unix.serve(one.control, socket, {**ready, "version": pod_version()})
    else:
        stdio.write(ready)
        await stdio.serve(one.control)


def run_attach(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m meshproof.workload attach")
    parser.add_argument("--socket", default=SOCKET, help="the workload's unix socket (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="how many seconds it may take to appear")
    given = parser.parse_args(words)
    attach(given.socket, given.timeout)


def run_relay(words: Sequence[str]) -> None:
    from meshproof.workload.relay import ADMIN_PORT, relay

    parser = argparse.ArgumentParser(prog="python -m meshproof.workload relay")
    parser.add_argument("--port", type=int, default=ADMIN_PORT, help="the proxy's admin port (default: %(default)s)")
    relay(parser.parse_args(words).port)


def prepare() -> Program:
    with contextlib.suppress(ImportError):
        # Every replica finds it imported.
        import uvloop  # noqa: F401
    return main


def tune() -> None:
    """Make this process fit for serving."""
    # The books are long-lived and hold no cycles: collecting garbage in them would only pause for tens of milliseconds.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def take_name() -> None:
    """Be called as Envoy's workers are, by which process/stall_watch.py knows whom to watch; where this is Linux."""
    with contextlib.suppress(OSError), open("/proc/thread-self/comm", "w") as file:  # noqa: PTH123 - an import less
        file.write("wrk:workload")


def run_replicas() -> None:
    take_name()
    tune()
    asyncio.run(replicas.serve())
    # Nothing needs a graceful end once the owner has ended.
    os._exit(0)


def replica(words: Sequence[str]) -> None:
    given = arguments(words)
    if not given.socket and not stdio.attached():
        sys.exit("meshproof.workload: standard input must be its owner's pipe (or a terminal)")
    try:
        ports = [int(port) for port in given.ports.split(",") if port]
        version = os.environ.get("SERVICE_VERSION", "")
        identity = Identity(given.pod, given.workload, given.image, given.labels, version)
    except (ValueError, TypeError) as error:
        sys.exit(f"meshproof.workload: {error}")
    tune()
    try:
        asyncio.run(serve(identity, ports, given.bind, given.socket))
    except OSError as error:
        sys.exit(f"meshproof.workload: {error}")
    # Nothing needs a graceful end once the owner has ended.
    os._exit(0)


def main(words: Sequence[str]) -> None:
    match words[:1]:
        case ["attach"]:
            run_attach(words[1:])
        case ["relay"]:
            run_relay(words[1:])
        case ["fork-server"]:
            serve_forks(prepare)
        case ["replicas"]:
            run_replicas()
        case _:
            replica(words)


if __name__ == "__main__":
    main(sys.argv[1:])
