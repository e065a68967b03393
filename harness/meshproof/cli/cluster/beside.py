"""What the proxies of a cluster run, told beside what its objects say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshproof.envoy.compared.routes import Difference
from meshproof.run.explaining.beside_dump import Beside

MOST = 20


def lines(one: Beside) -> Iterator[str]:
    """For people."""
    name = f"{one.dump.namespace}/{one.dump.pod}"
    if one.found is None:
        yield f"what the proxy of {name} runs is not compared: {one.why}"
        return
    if not one.found.differences:
        yield f"the proxy of {name} runs the same: {one.found.routes:,} of its routes compared"
    else:
        yield f"the proxy of {name} runs something else than these objects say"
        for each in one.found.differences[:MOST]:
            place = f"{each.domain} in {each.table}, {each.place}"
            yield f"  {place}: {each.ours} by the objects, {each.theirs} in the proxy"
        if len(one.found.differences) > MOST:
            yield f"  and {len(one.found.differences) - MOST:,} places more"
    if one.found.theirs_alone:
        yield f"  {len(one.found.theirs_alone):,} virtual hosts of it are not among these objects"


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
