"""The Gateways that some requests surely do not enter by, told by the words of their documents alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from itertools import chain

from meshproof.manifest.documents.unread import Unread

PORT = re.compile(r"\b(number|protocol)[\"']?[ \t]*:[ \t]*[\"']?([A-Za-z0-9-]+)")
FIELDS = {"number", "protocol"}

Ports = frozenset[tuple[str, str]]
"""The numbers of ports, and the protocols that they speak."""


def surely_elsewhere(gateways: Sequence[Unread], words: Set[str]) -> list[Unread]:
    """Those of some Gateways that are for exact hosts, none of which begins with one of these words.

    The pods of a Gateway listen on a port for all of their Gateways together, and a Service may lead several ports to
    one. So one counts as soon as it has a port that those which count have not, or that speaks several protocols; and
    all do where no server tells what it is, or none is for these requests.
    """
    serving = [(one, _ports(one.text)) for one in gateways]
    if not all(ports for _, ports in serving):
        return []
    others = [(one, ports) for one, ports in serving if not one.has_pattern and not one.has_any(words)]
    apart = {id(one) for one, _ in others}
    met = chain.from_iterable(ports for one, ports in serving if id(one) not in apart)
    known = _of_one_protocol(ports for _, ports in serving).intersection(met)
    return [one for one, ports in others if ports <= known]


def _ports(text: str) -> Ports:
    """None where the text does not tell them all."""
    found = PORT.findall(text)
    pairs = [dict(pair) for pair in zip(found[::2], found[1::2], strict=False)]
    if len(found) % 2 or any(pair.keys() != FIELDS for pair in pairs):
        return frozenset()
    return frozenset((pair["number"], pair["protocol"].upper()) for pair in pairs)


def _of_one_protocol(serving: Iterable[Ports]) -> Ports:
    ports = set(chain.from_iterable(serving))
    numbers = [number for number, _ in ports]
    return frozenset((number, protocol) for number, protocol in ports if numbers.count(number) == 1)
