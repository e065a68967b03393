"""How proxies answer gRPC: with status 200, and what went wrong in the header grpc-status.

Source: Envoy's Grpc::Utility::httpToGrpcStatus and https://grpc.github.io/grpc/core/md_doc_http-grpc-status-mapping.html.
"""

from __future__ import annotations

from http import HTTPStatus

STATUS_HEADER = "grpc-status"
MESSAGE_HEADER = "grpc-message"
CONTENT_TYPE = "application/grpc"
UNKNOWN = 2
DEADLINE_EXCEEDED = 4
UNAVAILABLE = 14
OF_HTTP: dict[int, int] = {
    HTTPStatus.BAD_REQUEST: 13,
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.NOT_FOUND: 12,
    HTTPStatus.TOO_MANY_REQUESTS: UNAVAILABLE,
    HTTPStatus.BAD_GATEWAY: UNAVAILABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: UNAVAILABLE,
}


def is_grpc(content_type: str) -> bool:
    """Whether Envoy takes a request with this content-type for gRPC."""
    return content_type == CONTENT_TYPE or content_type.startswith(f"{CONTENT_TYPE}+")


def grpc_status(status: int) -> int:
    """The gRPC status that Envoy gives instead of an HTTP status of its own."""
    return OF_HTTP.get(status, UNKNOWN)


def message(text: str) -> str:
    """A text as it stands in grpc-message: what is not printable ASCII, and `%`, percent-encoded."""
    return "".join(chr(one) if 0x20 <= one < 0x7F and one != ord("%") else f"%{one:02X}" for one in text.encode())
