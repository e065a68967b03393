"""What the proxies of a cluster run, told beside what its objects say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshproof.envoy.compared.routes import Difference
from meshproof.language.words import ENGLISH, Words
from meshproof.run.explaining.beside_dump import Beside

MOST = 20


def lines(one: Beside, words: Words = ENGLISH) -> Iterator[str]:
    """For people."""
    name = f"{one.dump.namespace}/{one.dump.pod}"
    if one.found is None:
        yield words("what the proxy of {pod} runs is not compared: {why}", pod=name, why=one.why)
        return
    if not one.found.differences:
        number = f"{one.found.routes:,}"
        yield words("the proxy of {pod} runs the same: {n} of its routes compared", pod=name, n=number)
    else:
        yield words("the proxy of {pod} runs something else than these objects say", pod=name)
        for each in one.found.differences[:MOST]:
            place = words("{domain} in {table}, {place}", domain=each.domain, table=each.table, place=each.place)
            both = words("{ours} by the objects, {theirs} in the proxy", ours=each.ours, theirs=each.theirs)
            yield f"  {place}: {both}"
        if len(one.found.differences) > MOST:
            yield "  " + words("and {n} places more", n=f"{len(one.found.differences) - MOST:,}")
    if one.found.theirs_alone:
        number = f"{len(one.found.theirs_alone):,}"
        yield "  " + words("{n} virtual hosts of it are not among these objects", n=number)


def document(one: Beside) -> dict[str, Any]:
    """For programs."""
    found = one.found
    return {
        "pod": f"{one.dump.namespace}/{one.dump.pod}",
        "same": not one.differs,
        "why": one.why,
        "routes": found.routes if found else 0,
        "differences": [_place(each) for each in (found.differences if found else ())],
        "virtualHostsOfTheProxyAlone": list(found.theirs_alone) if found else [],
    }


def _place(one: Difference) -> dict[str, str]:
    return {
        "table": one.table,
        "domain": one.domain,
        "place": one.place,
        "objects": one.ours,
        "proxy": one.theirs,
    }
