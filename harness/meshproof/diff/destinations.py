"""What stands behind the destinations of a request, and how one of it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

from meshproof.border.expectation import Arm, Localities
from meshproof.border.request import Hashing, HashKey
from meshproof.diff.part import Part, key_of, none, several
from meshproof.explain.wording import percent, seconds
from meshproof.language.words import Words
from meshproof.mesh.coverage.unheard import unheard
from meshproof.mesh.model.mesh import Mesh

BEHIND = ("addresses", "places", "TLS", "ports")


def behind(mesh: Mesh, arms: Iterable[Arm], words: Words) -> Mapping[str, Part]:
    """The addresses that manifests give, where pods are called by where they run, TLS that the proxy speaks, and ports.

    Of ports that containers do not name it is not known whether they listen there.
    """
    drawn = [one for one in arms if one.share and one.workloads]
    told: tuple[Callable[[Arm], str], ...] = (
        lambda one: ", ".join(addresses(mesh, one, words)),
        lambda one: _places(one.localities, words) if one.localities else "",
        lambda one: _tls(one, words),
        lambda one: ", ".join(_unnamed(mesh, one, words)),
    )
    names = {key_of(mesh, one): one.destination for one in drawn}
    alike = (words("those of its pods"), words("wherever they run"), words("none"), words("named by the containers"))
    return {
        about: several({key_of(mesh, one): tell(one) for one in drawn}, names, nothing, words)
        for about, tell, nothing in zip(BEHIND, told, alike, strict=True)
    }


def hashed(mesh: Mesh, arms: Iterable[Arm], words: Words) -> Part:
    """By the hash of what pods are chosen."""
    drawn = ((one, one.hashed_by) for one in arms if one.share)
    found: list[tuple[Hashable, Hashing]] = [(key_of(mesh, one), how) for one, how in drawn if how]
    if not found:
        return none(words)
    value = frozenset((key, one.keys, one.maglev, one.size) for key, one in found)
    return Part(value, "; ".join(dict.fromkeys(_hash(one, words) for _, one in found)))


def _hash(one: Hashing, words: Words) -> str:
    keys, size = ", ".join(_hash_key(key, words) for key in one.keys), f"{one.size:,}"
    if one.maglev:
        return words("{keys} on a Maglev table of {size}", keys=keys, size=size)
    return words("{keys} on a ring of {size} or more", keys=keys, size=size)


def _hash_key(one: HashKey, words: Words) -> str:
    if one.ttl is None:
        return str(one)
    path = [f"Path={one.path}"] if one.path else []
    given = "; ".join((*path, *(f"{name}={value}" if value else name for name, value in one.attributes)))
    rest = words(" with {what}", what=given) if given else ""
    if not one.ttl:
        return words("{key}, given for the session", key=one) + rest
    return words("{key}, given for {time}", key=one, time=seconds(one.ttl)) + rest


def addresses(mesh: Mesh, one: Arm, words: Words) -> Iterator[str]:
    """What is looked up or listed in place of pods; nothing where pods alone stand there."""
    service = mesh.service(one.host)
    if service and service.called_address:
        yield words("whichever was called")
        return
    for key in sorted(one.workloads):
        workload = mesh.workload(key)
        if workload and not workload.in_pods:
            weights = workload.weights or (1,) * len(workload.addresses)
            pairs = zip(workload.addresses, weights, strict=True)
            for address, weight in sorted(pairs):
                told = words("{address} (weight {weight})", address=address, weight=weight)
                yield told if weight > 1 else address


def _places(one: Localities, words: Words) -> str:
    shares = ", ".join(f"{each.locality} {percent(float(each.share))}" for each in one.shares)
    levels = words(", then ").join(words(" and ").join(sorted(level)) for level in one.levels)
    return words("{shares} of {places}", shares=shares, places=levels) if shares else levels


def _unnamed(mesh: Mesh, one: Arm, words: Words) -> Iterator[str]:
    for workload, target in unheard(mesh, one):
        yield words("{port}, which the containers of {workload} do not name", port=target, workload=workload.key)


def _tls(one: Arm, words: Words) -> str:
    if one.tls is None:
        return ""
    own = words("that of the request")
    names = words(" or ").join([*one.tls.names, *([own] if one.tls.by_authority else [])]) or words("whatever name")
    asked = words("asks for {name}", name=one.tls.sni or own)
    if one.tls.certificate:
        asked = words("asks for {name} with a certificate", name=one.tls.sni or own)
    told = words("{asked}, wants a certificate for {names}", asked=asked, names=names)
    return ", ".join((told, *(f"{name} {value}" for name, value in one.tls.certificates)))
