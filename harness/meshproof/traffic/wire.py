"""The messages between the harness and its load generator, over the generator's standard input and output.

One JSON value a line.

Harness to generator:
  {"start": {...}}         a load: requests, users, timeout (see `start`); nothing is sent before a grant
  {"grant": {"0": 400}}    how many requests of each index may have been sent in all
  {"stage": 1}             tag what is sent from now on
  {"limit_users": 3}       from now on have at most so many requests under way
  {"only": 1}              from now on have that worker alone send, null: any of them
  {"stop": true}           send nothing more, wait for what is under way, then send done
Generator to harness:
  {"version": "0.1.0+…"}   which meshproof it is, where a command runs it elsewhere
  {"master": {...}}        where a master listens, and the token to show there: what its workers need
  {"ready": {...}}         it can take a start; `page` is the address of Locust's web page, where it has one
  {"begun": [1700000000.0, 12.5]}  the load's zero of time: seconds since the epoch, and by the monotonic clock
  [id, request, ...]       one observation: the fields of Observation in their order
  {"staged": 1}            the stage is in force and nothing sent under an earlier one is under way
  {"done": {"sent": [...], "observed": n}}  the load has ended; another may start

Where a Locust master has the load carried out by workers, they send each other the same in Locust's custom
messages, and besides:

Harness to worker, on its standard input (one line, before all else; it says nothing back):
  {"host": ..., "port": n, "worker": 0, "token": ...}  where its master is, and the token to show there
Master to worker:
  {"recall": true}         give back the credit that is left
Worker to master:
  {"hello": token, "worker": 0}      it can take a start
  {"lines": bytes, "count": n}       so many observations, each a line that the master passes on as it is
  {"returned": [...]}      how many of each index it has sent, and may have sent
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The generator imports this module too, and has no use for the records.
    from meshproof.border.request import Request

HEADERS = ("x-envoy-overloaded", "location", "x-meshproof-upstream", "x-meshproof-unknown", "grpc-status")
DRIVEN = "MESHPROOF_DRIVEN"
ALONE, MASTER, WORKER = "1", "master", "worker"
MESSAGE = "meshproof"
# The schemes of what is sent in TLS.
SECURED = ("https", "tls")

Address = tuple[str, int]


def line(message: Mapping[str, Any]) -> bytes:
    """One message as it is sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def start(
    requests: Sequence[Request],
    *,
    users: int,
    timeout: float,
    resolve: Mapping[str, Address],
    ids: str,
    headers: Iterable[str] = (),
    digest: bool = False,
    tls: Mapping[str, str] | None = None,
    silence: float = 20.0,
    users_within: float = 20.0,
    statistics: bool = False,
    workers: Sequence[Mapping[str, Address]] = (),
) -> dict[str, Any]:
    """The message that begins a load.

    `ids` is the prefix of every request's id; `headers` names response headers to report beside
    HEADERS; `digest` asks for the SHA-256 of each response's body; `tls` may hold the paths `ca`,
    `cert` and `key` as the generator sees them, for requests that have none of their own; `silence` is
    for how many seconds a worker may give no sign of life, `users_within` within how many Locust has to have its users
    there; with `statistics` Locust keeps its own, too; `workers` are the addresses of each where they differ.
    """
    # The generator has no use for it.
    from meshproof.border.prescription import stream

    described = [
        {
            "method": request.method,
            "authority": request.authority,
            "path": request.path,
            "headers": request.headers,
            "body": base64.b64encode(request.body).decode(),
            "address": _address(request, resolve),
            "tcp": request.is_tcp,
            "kind": "call" if request.is_call else "socket" if request.is_handshake else "",
            "stream": [said.sender, said.messages, said.every] if (said := stream(request)) else None,
            "tls": {"sni": request.host, **_client(request, tls)} if request.scheme in SECURED else None,
        }
        for request in requests
    ]
    return {
        "start": {
            "requests": described,
            "users": users,
            "timeout": timeout,
            "ids": ids,
            "headers": sorted({*HEADERS, *(name.lower() for name in headers)}),
            "digest": digest,
            "silence": silence,
            "users_within": users_within,
            "statistics": statistics,
            "addresses": [[_address(request, own) for request in requests] for own in workers],
        }
    }


def _address(request: Request, resolve: Mapping[str, Address]) -> Address:
    return resolve.get(request.endpoint, (request.host, request.port))


def _client(request: Request, tls: Mapping[str, str] | None) -> Mapping[str, str]:
    own = request.tls
    if own is None:
        return tls or {}
    given = {"ca": own.ca, "cert": own.cert, "key": own.key, "newest": own.newest}
    given["any_name"] = "yes" if own.any_name else ""
    given["of_the_mesh"] = "yes" if own.of_the_mesh else ""
    return {name: value for name, value in given.items() if value}


def rows(whole_lines: bytes) -> list[Any]:
    """Decode any number of complete lines at once (much cheaper than one by one); raises ValueError."""
    if not whole_lines:
        return []
    decoded: list[Any] = json.loads(b"[" + whole_lines[:-1].replace(b"\n", b",") + b"]")
    return decoded
