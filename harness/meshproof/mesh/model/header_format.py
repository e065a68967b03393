"""Header values that Envoy formats: text with command operators, as in `%REQ(x-user?x-guest):8%`.

Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from meshproof.records import dataclass

# What a header may be called: RFC 9110, token.
FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OPERATOR = re.compile(r"%([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::([0-9]+))?%")
HEADER = re.compile(r":?[!#$&'*+.^_`|~0-9A-Za-z-]+")
# Those whose outcome is known: a header of the request, and the client's protocol, which is HTTP/1.1 here.
REQUEST_HEADER, PROTOCOL = "REQ", "PROTOCOL"
# Those that Envoy takes (tried on 1.40.0), alone and with an argument. Of any other it refuses all routes of the port.
ALONE = """START_TIME START_TIME_LOCAL EMIT_TIME PROTOCOL UPSTREAM_PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS
RESPONSE_FLAGS RESPONSE_FLAGS_LONG BYTES_RECEIVED BYTES_SENT DURATION REQUEST_DURATION RESPONSE_DURATION
ROUNDTRIP_DURATION REQUEST_TX_DURATION RESPONSE_TX_DURATION UPSTREAM_REQUEST_ATTEMPT_COUNT
UPSTREAM_HOST UPSTREAM_CLUSTER UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_PORT
UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT UPSTREAM_TRANSPORT_FAILURE_REASON
DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT
DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_PORT
DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT DOWNSTREAM_LOCAL_URI_SAN
DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_ISSUER
DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_VERSION DOWNSTREAM_PEER_FINGERPRINT_256
DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_START
DOWNSTREAM_PEER_CERT_V_END HOSTNAME FILTER_CHAIN_NAME VIRTUAL_CLUSTER_NAME ROUTE_NAME CONNECTION_ID
CONNECTION_TERMINATION_DETAILS STREAM_ID GRPC_STATUS GRPC_STATUS_NUMBER REQUESTED_SERVER_NAME TRACE_ID"""
WITH_ARGUMENT = """START_TIME RESP TRAILER ENVIRONMENT DYNAMIC_METADATA CLUSTER_METADATA UPSTREAM_METADATA FILTER_STATE
PER_REQUEST_STATE QUERY_PARAM"""
TAKEN, TAKEN_WITH_ARGUMENT = frozenset(ALONE.split()), frozenset(WITH_ARGUMENT.split())


class NotAFormatError(ValueError):
    """The text is no format that istiod and Envoy take; the message says why."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A command operator; `names` are the headers of REQ, the second for where the first is missing.

    `length` is how many characters are kept at most (None: all); `argument` is what stands in brackets.
    """

    command: str
    names: tuple[str, ...] = ()
    length: int | None = None
    argument: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is known what it gives."""
        return self.command in (REQUEST_HEADER, PROTOCOL)

    @property
    def is_taken(self) -> bool:
        """Whether Envoy takes it."""
        return self.is_known or self.command in (TAKEN_WITH_ARGUMENT if self.argument else TAKEN)


@lru_cache(maxsize=512)
def operators(text: str) -> tuple[str | Operator, ...]:
    """The parts of a format: plain text, `%%` read as a percent sign, and operators; raises NotAFormatError."""
    parts: list[str | Operator] = []
    at = 0
    while at < len(text):
        if text.startswith("%%", at):
            parts.append("%")
            at += 2
        elif text[at] == "%":
            found = OPERATOR.match(text, at)
            if found is None:
                raise NotAFormatError("has a % in it that begins no command operator of Envoy")
            parts.append(_operator(found))
            at = found.end()
        else:
            end = text.find("%", at)
            parts.append(text[at : end if end >= 0 else len(text)])
            at = end if end >= 0 else len(text)
    return tuple(parts)


def is_taken(text: str) -> bool:
    """Whether Envoy takes a format."""
    return all(isinstance(one, str) or one.is_taken for one in operators(text))


def _operator(found: re.Match[str]) -> Operator:
    command, argument, length = found.groups()
    if command == PROTOCOL and (argument is not None or length):
        raise NotAFormatError("gives PROTOCOL an argument, and Envoy takes none")
    if command != REQUEST_HEADER:
        return Operator(command, argument=argument)
    names = (argument or "").split("?")
    if len(names) > 2 or not all(HEADER.fullmatch(name) for name in names):
        raise NotAFormatError("has an operator REQ that names no header")
    return Operator(command, tuple(name.lower() for name in names), int(length) if length else None)
