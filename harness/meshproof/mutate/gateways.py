"""Gateways: their servers, hosts, ports and TLS; those of the Gateway API: their listeners, and what is granted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from meshproof.mutate.change import counted, dropped, dropped_of_several, other_than
from meshproof.mutate.edit import fresh, put, without
from meshproof.mutate.operator import Edit, Operator, Spot
from meshproof.mutate.rules import host_widened, host_wrong, widened_beside

KIND = "Gateway"
SERVER, LISTENER = "spec.servers[]", "spec.listeners[]"
GRANT = "ReferenceGrant"
WEAKER = {"MUTUAL": ("OPTIONAL_MUTUAL", "SIMPLE"), "OPTIONAL_MUTUAL": ("SIMPLE",)}
WEAKEST_VERSION = "TLSV1_0"
MOST_SECRETS = 3


def mode_weakened(spot: Spot) -> Iterator[Edit]:
    """A client needs no certificate any more."""
    for new in WEAKER.get(spot.value.text(), ()):
        yield Edit(f"tls mode {spot.value.data} → {new}", fresh(new, spot.value))


def unencrypted(spot: Spot) -> Iterator[Edit]:
    """An HTTPS server that speaks plain HTTP."""
    protocol, tls = spot.value.need("port").need("protocol"), spot.value.get("tls")
    if protocol.data == "HTTPS" and tls:
        plain = put(without(spot.value, ("tls",)), ("port", "protocol"), fresh("HTTP", protocol))
        yield Edit("protocol HTTPS → HTTP", plain, protocol.location)


def redirect_dropped(spot: Spot) -> Iterator[Edit]:
    """A server that sends everything to HTTPS does so no more."""
    if (tls := spot.value.get("tls")) and (redirect := tls.get("httpsRedirect")):
        rest = without(tls, ("httpsRedirect",))
        plain = put(spot.value, ("tls",), rest) if rest.fields() else without(spot.value, ("tls",))
        yield Edit("httpsRedirect dropped", plain, redirect.location)


def version_weakened(spot: Spot) -> Iterator[Edit]:
    if spot.value.data != WEAKEST_VERSION:
        yield Edit(f"minProtocolVersion {spot.value.data} → {WEAKEST_VERSION}", fresh(WEAKEST_VERSION, spot.value))


def credential_exchanged(spot: Spot) -> Iterator[Edit]:
    """Other Secrets, some of them: each of many Gateways could be given each of many."""
    others = (one for one in spot.around.of_kind("Secret") if one.name != spot.value.data)
    for secret in islice(others, MOST_SECRETS):
        yield Edit(f"credentialName {spot.value.data!r} → {secret.name!r}", fresh(secret.name, spot.value))


GATEWAYS = (
    Operator("server-dropped", KIND, (SERVER,), dropped_of_several),
    Operator("server-host-wrong", KIND, (f"{SERVER}.hosts[]",), host_wrong),
    Operator("server-host-widened", KIND, (f"{SERVER}.hosts[]",), host_widened),
    Operator("server-host-dropped", KIND, (f"{SERVER}.hosts[]",), dropped_of_several),
    Operator("server-port-wrong", KIND, (f"{SERVER}.port.number",), counted(more=(1,))),
    Operator("tls-mode-weakened", KIND, (f"{SERVER}.tls.mode",), mode_weakened),
    Operator("tls-dropped", KIND, (SERVER,), unencrypted),
    Operator("tls-version-weakened", KIND, (f"{SERVER}.tls.minProtocolVersion",), version_weakened),
    Operator("tls-redirect-dropped", KIND, (SERVER,), redirect_dropped),
    Operator("credential-exchanged", KIND, (f"{SERVER}.tls.credentialName",), credential_exchanged),
    Operator("listener-dropped", KIND, (LISTENER,), dropped_of_several),
    Operator("listener-hostname-wrong", KIND, (f"{LISTENER}.hostname",), host_wrong),
    Operator("listener-hostname-widened", KIND, (f"{LISTENER}.hostname",), widened_beside),
    Operator("listener-hostname-dropped", KIND, (f"{LISTENER}.hostname",), dropped),
    Operator("listener-port-wrong", KIND, (f"{LISTENER}.port",), counted(more=(1,))),
    Operator(
        "listener-namespaces-changed", KIND, (f"{LISTENER}.allowedRoutes.namespaces.from",), other_than("Same", "All")
    ),
    Operator("listener-sets-refused", KIND, ("spec.allowedListeners.namespaces.from",), other_than("None")),
    Operator("grant-dropped", GRANT, ("",), dropped),
    Operator("grant-aim-dropped", GRANT, ("spec.to[]",), dropped_of_several),
    Operator("grant-source-dropped", GRANT, ("spec.from[]",), dropped_of_several),
)
