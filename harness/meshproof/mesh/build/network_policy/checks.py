"""What of a NetworkPolicy the API server does not take: one that is not in the cluster lets nothing through.

Source: kubernetes/kubernetes pkg/apis/networking/validation (ValidateNetworkPolicySpec).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from meshproof.manifest import schema
from meshproof.manifest.fields.kubernetes import SELECTOR, TRANSPORT
from meshproof.manifest.syntax.names import port_name
from meshproof.manifest.value import Value
from meshproof.mesh.build.workloads.selector import check_expressions

NUMBERS = schema.Between(1, 65535)
PORT: schema.Shape = {"protocol": TRANSPORT, "port": schema.WHOLE_OR_TEXT, "endPort": NUMBERS}
PEER: schema.Shape = {
    "podSelector": SELECTOR,
    "namespaceSelector": SELECTOR,
    "ipBlock": {"cidr": schema.TEXT, "except": [schema.TEXT]},
}
SPEC: schema.Shape = {
    "podSelector": SELECTOR,
    "policyTypes": [schema.OneOf(("Ingress", "Egress"))],
    "ingress": [{"from": [PEER], "ports": [PORT]}],
    "egress": [{"to": [PEER], "ports": [PORT]}],
}


def check(spec: Value) -> None:
    """Raise ManifestError where the API server would not take the policy."""
    schema.check(spec, SPEC)
    for selector in _selectors(spec):
        check_expressions(selector)
    for field, source in (("ingress", "from"), ("egress", "to")):
        for rule in spec.list(field):
            for peer in rule.list(source):
                _check_peer(peer)
            for port in rule.list("ports"):
                _check_port(port)


def _selectors(spec: Value) -> Iterator[Value]:
    rules = [peer for one in spec.list("ingress") for peer in one.list("from")]
    rules += [peer for one in spec.list("egress") for peer in one.list("to")]
    for holder in (spec, *rules):
        yield from (one for name in ("podSelector", "namespaceSelector") if (one := holder.get(name)) is not None)


def _check_peer(peer: Value) -> None:
    block = peer.get("ipBlock")
    selectors = [peer.get(name) for name in ("podSelector", "namespaceSelector")]
    if (block is None) == all(one is None for one in selectors):
        raise peer.problem("a peer is an ipBlock, or selected by podSelector and namespaceSelector")
    for one in (block.need("cidr"), *block.list("except")) if block else ():
        try:
            ipaddress.ip_network(one.text(), strict=False)
        except ValueError as error:
            raise one.problem(f"no block of addresses: {error}") from None


def _check_port(value: Value) -> None:
    port, last = value.get("port"), value.get("endPort")
    if port is not None and isinstance(port.data, str):
        if wrong := port_name(port.text()):
            raise port.problem(f"the name of a port {wrong}")
    elif port is not None:
        schema.check(port, NUMBERS)
    if last is not None and (port is None or isinstance(port.data, str) or last.whole() < port.whole()):
        raise last.problem("endPort is a number from port on")
