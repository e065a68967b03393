"""What stands behind the destinations of a request, and how one of it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

from meshproof.border.expectation import Arm, Localities
from meshproof.border.request import Hashing, HashKey
from meshproof.diff.part import NONE, Part, key_of, several
from meshproof.explain.wording import percent, seconds
from meshproof.mesh.model.mesh import Mesh

BEHIND = ("addresses", "places", "TLS")


def behind(mesh: Mesh, arms: Iterable[Arm]) -> Mapping[str, Part]:
    """The addresses that manifests give, where pods are called by where they run, and TLS that the proxy speaks."""
    drawn = [one for one in arms if one.share and one.workloads]
    told: tuple[Callable[[Arm], str], ...] = (
        lambda one: ", ".join(_addresses(mesh, one)),
        lambda one: _places(one.localities) if one.localities else "",
        _tls,
    )
    names = {key_of(mesh, one): one.destination for one in drawn}
    alike = ("those of its pods", "wherever they run", "none")
    return {
        about: several({key_of(mesh, one): tell(one) for one in drawn}, names, nothing)
        for about, tell, nothing in zip(BEHIND, told, alike, strict=True)
    }


def hashed(mesh: Mesh, arms: Iterable[Arm]) -> Part:
    """By the hash of what pods are chosen."""
    drawn = ((one, one.hashed_by) for one in arms if one.share)
    found: list[tuple[Hashable, Hashing]] = [(key_of(mesh, one), how) for one, how in drawn if how]
    if not found:
        return NONE
    value = frozenset((key, one.keys, one.maglev, one.size) for key, one in found)
    return Part(value, "; ".join(dict.fromkeys(_hash(one) for _, one in found)))


def _hash(one: Hashing) -> str:
    table = f"a Maglev table of {one.size:,}" if one.maglev else f"a ring of {one.size:,} or more"
    return f"{', '.join(map(_hash_key, one.keys))} on {table}"


def _hash_key(one: HashKey) -> str:
    if one.ttl is None:
        return str(one)
    lasts = f"for {seconds(one.ttl)}" if one.ttl else "for the session"
    path = [f"Path={one.path}"] if one.path else []
    given = "; ".join((*path, *(f"{name}={value}" if value else name for name, value in one.attributes)))
    return f"{one}, given {lasts}{f' with {given}' if given else ''}"


def _addresses(mesh: Mesh, one: Arm) -> Iterator[str]:
    """What is looked up or listed in place of pods; nothing where pods alone stand there."""
    service = mesh.service(one.host)
    if service and service.called_address:
        yield "whichever was called"
        return
    for key in sorted(one.workloads):
        workload = mesh.workload(key)
        if workload and not workload.in_pods:
            weights = workload.weights or (1,) * len(workload.addresses)
            pairs = zip(workload.addresses, weights, strict=True)
            yield from (f"{address} (weight {weight})" if weight > 1 else address for address, weight in sorted(pairs))


def _places(one: Localities) -> str:
    shares = ", ".join(f"{each.locality} {percent(float(each.share))}" for each in one.shares)
    levels = ", then ".join(" and ".join(sorted(level)) for level in one.levels)
    return f"{shares} of {levels}" if shares else levels


def _tls(one: Arm) -> str:
    if one.tls is None:
        return ""
    name = one.tls.sni or "that of the request"
    shown = " with a certificate" if one.tls.certificate else ""
    wanted = [*one.tls.names, *(["that of the request"] if one.tls.by_authority else [])]
    return f"asks for {name}{shown}, wants a certificate for {' or '.join(wanted) or 'whatever name'}"
