"""Rules put before the others of their list, each of which takes requests or connections from them."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mutate.edit import fresh
from meshproof.mutate.operator import Edit, Operator, Spot

VIRTUAL_SERVICE, HTTP_ROUTE = "VirtualService", "HTTPRoute"
NAME, VALUE = "x-added", "yes"
HEADER = {"headers": {NAME: {"exact": VALUE}}}
GONE, ELSEWHERE = 410, "added.example"
CONDITIONS = (
    HEADER,
    {"uri": {"prefix": "/added"}},
    {"queryParams": {"added": {"exact": VALUE}}},
    {"method": {"exact": "DELETE"}},
    {"sourceLabels": {"added": VALUE}},
)
# What a rule may do beside where it leads, which no answer shows by itself.
UNSEEN = ("mirror", "mirrors", "mirrorPercentage", "retries", "timeout", "fault")
LEADING = ("redirect", "directResponse", "delegate")
TIMEOUT, ATTEMPTS = "1700ms", 5


def rule_added(spot: Spot) -> Iterator[Edit]:
    """One that answers itself, by each way to ask for a request; and the last one without what it does beside, or more.

    The latter leads where the last one does.
    """
    for condition in CONDITIONS:
        yield _first(spot, {"match": [condition], "directResponse": {"status": GONE}}, f"410 for {condition}")
    last = spot.value.items()[-1].fields()
    if not last.keys().isdisjoint(LEADING):
        return
    own = {name: value for name, value in last.items() if name not in ("name", "match")}
    for name in (one for one in UNSEEN if one in own):
        rest = {key: value for key, value in own.items() if key != name}
        yield _first(spot, {"match": [HEADER], **rest}, f"{HEADER} without {name}")
    for name, new in (("timeout", TIMEOUT), ("retries", {"attempts": ATTEMPTS, "retryOn": "5xx"})):
        yield _first(spot, {"match": [HEADER], **own, name: new}, f"{HEADER} with {name} {new}")


def connection_rule_added(spot: Spot) -> Iterator[Edit]:
    """One that leads nowhere, for every connection, and for those of some clients."""
    nowhere = {"route": [{"destination": {"host": "no-such-host"}}]}
    for condition in ({}, {"match": [{"sourceLabels": {"added": VALUE}}]}):
        yield _first(spot, {**condition, **nowhere}, f"one to nowhere {condition or ''}".strip())


def route_rule_added(spot: Spot) -> Iterator[Edit]:
    """One that redirects elsewhere, by each way to ask for a request."""
    redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": ELSEWHERE}}
    for condition in (
        {"headers": [{"name": NAME, "value": VALUE}]},
        {"path": {"type": "PathPrefix", "value": "/added"}},
        {"queryParams": [{"name": "added", "value": VALUE}]},
        {"method": "DELETE"},
    ):
        yield _first(spot, {"matches": [condition], "filters": [redirect]}, f"a redirect for {condition}")


def _first(spot: Spot, rule: object, what: str) -> Edit:
    return Edit(f"rule added: {what}", fresh([rule, *spot.value.items()], spot.value), spot.value.location)


ADDITIONS = (
    Operator("rule-added", VIRTUAL_SERVICE, ("spec.http",), rule_added),
    Operator("connection-rule-added", VIRTUAL_SERVICE, ("spec.tcp",), connection_rule_added),
    Operator("route-rule-added", HTTP_ROUTE, ("spec.rules",), route_rule_added),
)
