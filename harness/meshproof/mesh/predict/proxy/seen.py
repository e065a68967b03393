"""A request as the rules of a proxy see it: headers are removed, rewritten and added before any rule is looked at.

A sidecar takes its clients' word (use_remote_address is off), a gateway does not. No address counts as internal by
istiod's default, so instructions to Envoy are taken out at either. Measured; Envoy's source is
ConnectionManagerUtility::mutateRequestHeaders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from meshproof.border.request import Request
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.sent import ID, sent_headers
from meshproof.records import dataclass

UPGRADES = frozenset({"websocket"})
# Envoy's HTTP/1 parser takes this one out before anybody looks.
IGNORED_UPGRADES = frozenset({"h2c"})
SCHEMES = frozenset({"http", "https"})
# Instructions that Envoy takes from no client that is external.
INSTRUCTIONS = frozenset(
    {
        *("x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-retriable-status-codes"),
        *("x-envoy-retriable-header-names", "x-envoy-hedge-on-per-try-timeout", "x-envoy-upstream-alt-stat-name"),
        *("x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-force-trace"),
        *("x-envoy-upstream-rq-timeout-alt-response", "x-envoy-expected-rq-timeout-ms", "x-envoy-ip-tags"),
        *("x-envoy-original-url", "x-envoy-upstream-stream-duration-ms", "x-envoy-internal"),
    }
)
REMOVED = INSTRUCTIONS | {"keep-alive", "proxy-connection", "transfer-encoding", "x-forwarded-client-cert"}
REMOVED_WITHOUT_UPGRADE = REMOVED | {"connection", "upgrade"}
REMOVED_AT_GATEWAYS = frozenset(
    {
        *("x-envoy-decorator-operation", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node"),
        *("x-envoy-original-path", "x-envoy-original-host"),
    }
)
# Envoy keeps one entry of each of these: values that come one after the other are joined by commas. Of any other header
# each value counts by itself since 1.39.
JOINED = (
    frozenset(
        {
            *("accept", "accept-encoding", "authorization", "cache-control", "connection", "content-type", "expect"),
            *(
                "content-encoding",
                "if-match",
                "if-none-match",
                "if-modified-since",
                "origin",
                "pragma",
                "referer",
                "te",
            ),
            *(
                "upgrade",
                "user-agent",
                "via",
                "grpc-timeout",
                "grpc-accept-encoding",
                "proxy-status",
                "x-client-trace-id",
            ),
            *(
                "access-control-request-method",
                "access-control-request-headers",
                "access-control-request-private-network",
            ),
            *("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-request-id"),
            *("x-envoy-attempt-count", "x-envoy-external-address", "x-envoy-is-timeout-retry"),
        }
    )
    | REMOVED_AT_GATEWAYS
)
FORWARDED_FOR, FORWARDED_PROTO, REQUEST_ID = "x-forwarded-for", "x-forwarded-proto", "x-request-id"
EXTERNAL_ADDRESS, CLIENT_CERTIFICATE = "x-envoy-external-address", "x-forwarded-client-cert"

AN_ID = Drawn("id")

Values = tuple[str | Drawn, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """`request` has its path normalised and the scheme that rules see; `headers` are by name, in lower case.

    `upgrade` is the protocol that it asks to change to (empty: none).
    """

    request: Request
    headers: Mapping[str, Values] = field(default_factory=dict)
    upgrade: str = ""

    def text(self, name: str) -> str:
        """The values of a header that are known, joined by commas as Envoy joins them."""
        return ",".join(value for value in self.headers.get(name, ()) if isinstance(value, str))


def seen(request: Request, path: str, *, certified: bool = False) -> Seen:
    """What the first proxy's rules see of a request; `certified`: the gateway has its client's certificate."""
    headers = _by_name(request)
    headers[ID] = (AN_ID,)
    upgrade = _upgrade(headers)
    for name in headers.keys() & (REMOVED if upgrade else REMOVED_WITHOUT_UPGRADE):
        del headers[name]
    _keep_trailers(headers)
    (_at_gateway if request.gateway else _at_sidecar)(headers, request)
    if certified:
        headers[CLIENT_CERTIFICATE] = (Drawn("certificate"),)
    forwarded = headers[FORWARDED_PROTO]
    said = str(forwarded[0]).lower() if len(forwarded) == 1 else ""
    scheme = said if said in SCHEMES else request.scheme
    authority = request.authority
    pseudo: dict[str, Values] = {
        ":method": (request.method,),
        ":path": (path,),
        ":authority": (authority,),
        ":scheme": (scheme,),
        "host": (authority,),
    }
    # The Host does not change with the scheme.
    kept = tuple(pair for pair in request.headers if pair[0] != "host")
    named = (("host", authority), *kept)
    return Seen(replace(request, path=path, scheme=scheme, headers=named), headers | pseudo, upgrade)


def _by_name(request: Request) -> dict[str, Values]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in sent_headers(request):
        found[name] = (*found.get(name, ()), value.strip(" \t"))
    return {name: (",".join(values),) if name in JOINED else values for name, values in found.items()}


def _upgrade(headers: dict[str, Values]) -> str:
    """The protocol that a request asks to change to, in lower case; empty where it asks for none."""
    if "connection" not in headers:
        return ""
    asked = ",".join(map(str, headers["connection"])).lower()
    wanted = ",".join(map(str, headers.get("upgrade", ()))).lower()
    several = "upgrade" in [word.strip() for word in asked.split(",")]
    return wanted if several and wanted not in IGNORED_UPGRADES else ""


def _keep_trailers(headers: dict[str, Values]) -> None:
    """Of `te` only `trailers` goes on."""
    words = [word.strip() for value in headers.get("te", ()) for word in str(value).split(",")]
    if words not in ([], [""]):
        del headers["te"]
    if "trailers" in words:
        headers["te"] = ("trailers",)


def _at_sidecar(headers: dict[str, Values], request: Request) -> None:
    headers.setdefault(FORWARDED_PROTO, (request.scheme,))
    if not headers.get(REQUEST_ID, ("",))[0]:
        headers[REQUEST_ID] = (AN_ID,)


def _at_gateway(headers: dict[str, Values], request: Request) -> None:
    for name in REMOVED_AT_GATEWAYS:
        headers.pop(name, None)
    headers[FORWARDED_PROTO] = (request.scheme,)
    headers[REQUEST_ID] = (AN_ID,)
    came = "".join(f"{value}," for value in headers.get(FORWARDED_FOR, ()) if value)
    headers[FORWARDED_FOR] = (Drawn("address", came),)
    headers[EXTERNAL_ADDRESS] = (Drawn("address"),)
