"""`consistentHash` of a load balancer, and what istiod refuses of it.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB;
the limits are those of istio/istio pkg/config/validation (validateLoadBalancer) and of Envoy's RingHashLbConfig.
"""

from __future__ import annotations

from dataclasses import replace

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.destination_rule import ConsistentHash, HashKind
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import ALL_WAYS_IN

KEYS = ("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName")
SIZES = ("ringHash", "maglev")
DEFAULT_RING = 1024
MAGLEV_BELOW = 5_000_011
# Envoy refuses the whole cluster beyond it.
LARGEST_RING = 8 << 20
LARGEST = 2**64 - 1


def consistent_hash(value: Value | None, findings: Findings) -> ConsistentHash | None:
    """Read it; raises ManifestError for what istiod refuses."""
    return None if value is None else replace(_read(value, findings), location=value.location)


def _read(value: Value, findings: Findings) -> ConsistentHash:
    given = [one for name in KEYS if (one := value.get(name))]
    if len(given) > 1:
        raise given[1].problem(f"consistentHash has both {given[0].name} and {given[1].name}", "leave one of them out")
    maglev, size = _size(value, findings)
    if header := value.get("httpHeaderName"):
        kind = HashKind.HEADER if _is_named(header, findings) else None
        return ConsistentHash(kind, header.text().lower(), maglev=maglev, size=size)
    if parameter := value.get("httpQueryParameterName"):
        kind = HashKind.QUERY_PARAMETER if _is_named(parameter, findings) else None
        return ConsistentHash(kind, parameter.text(), maglev=maglev, size=size)
    if cookie := value.get("httpCookie"):
        return _cookie(cookie, maglev=maglev, size=size)
    source = value.get("useSourceIp")
    by_source = source is not None and source.flag()
    if not by_source:
        findings.notice(
            value.location, "consistentHash names no key: nothing is hashed, each request gets any pod", Topic.NO_EFFECT
        )
    return ConsistentHash(HashKind.SOURCE_IP if by_source else None, maglev=maglev, size=size)


def _cookie(value: Value, *, maglev: bool, size: int | None) -> ConsistentHash:
    name = value.need("name", "the cookie that is hashed")
    if not name.text():
        raise name.problem("a cookie needs a name")
    attributes: dict[str, str] = {}
    for one in value.list("attributes"):
        called = one.need("name")
        if not called.text():
            raise called.problem("an attribute of a cookie needs a name")
        if called.text() in attributes:
            raise called.problem(f"the attribute {called.text()} stands here twice")
        attributes[called.text()] = found.text() if (found := one.get("value")) else ""
    ttl, path = value.get("ttl"), value.get("path")
    return ConsistentHash(
        HashKind.COOKIE,
        name.text(),
        ttl.duration(zero=True) if ttl else None,
        path.text() if path else "",
        tuple(attributes.items()),
        maglev=maglev,
        size=size,
    )


def _is_named(value: Value, findings: Findings) -> bool:
    """Whether Envoy takes it for a name."""
    if not value.text() or any(one in value.text() for one in "\0\r\n"):
        # It stands in the routes to the host, whoever's they are.
        why = f"Envoy refuses routes with this {value.name}, and all others of the port"
        findings.unproved(value.location, why, touches=ALL_WAYS_IN, topic=Topic.ENVOY_REFUSES)
        return False
    return True


def _size(value: Value, findings: Findings) -> tuple[bool, int | None]:
    """Whether it is Maglev, and how large the table or ring."""
    given = [one for name in SIZES if (one := value.get(name))]
    if len(given) > 1:
        raise given[1].problem("consistentHash has both ringHash and maglev", "leave one of them out")
    old = value.get("minimumRingSize")
    least = old.whole(0, LARGEST) if old else 0
    if old and least and given:
        raise old.problem(f"consistentHash has both minimumRingSize and {given[0].name}", "leave minimumRingSize out")
    if not given:
        return False, _ring(old, findings) or DEFAULT_RING
    if table := value.get("maglev"):
        size = table.need("tableSize", "a prime number below 5000011")
        number = size.whole(0, LARGEST)
        if number >= MAGLEV_BELOW or not _is_prime(number):
            raise size.problem("tableSize must be a prime number below 5000011", "Envoy's own default is 65537")
        return True, number
    return False, _ring(given[0].get("minimumRingSize"), findings)


def _ring(value: Value | None, findings: Findings) -> int | None:
    number = value.whole(0, LARGEST) if value else 0
    if value and number > LARGEST_RING:
        why = f"Envoy refuses rings of more than {LARGEST_RING} entries"
        findings.unproved(value.location, why, topic=Topic.ENVOY_REFUSES)
        return None
    return number or None


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % one for one in range(2, int(number**0.5) + 1))
