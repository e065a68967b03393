"""What is done to a request on its way: by its rule, and by Istio's defaults where the rule is silent."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import grpc_status
from meshproof.errors import Location
from meshproof.explain.explanation import Setting
from meshproof.explain.manifests import Written, field, place_of
from meshproof.explain.wording import percent, seconds
from meshproof.manifest.value import Value
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, HttpRoute
from meshproof.mesh.predict.proxy.retrying import DEFAULT, DEFAULT_ATTEMPTS

ISTIO = "Istio's default"
PROXY = "the proxy"
# How the fields of an HTTPRoute are called that do the same.
AS_HTTP_ROUTE = {
    "timeout": ("timeouts",),
    "retries": ("retry",),
    "redirect": ("filters",),
    "rewrite": ("filters",),
    "headers": ("filters",),
    "corsPolicy": ("filters",),
    "directResponse": (),
}


def effects(expectation: Expectation, route: HttpRoute | None, written: Written) -> Iterator[Setting]:
    """All of them, in the order in which a request meets them."""
    rule = _Rule(route, written)
    if expectation.delay:
        one = expectation.delay
        share, time = percent(float(one.share)), seconds(one.seconds)
        yield rule.setting("fault.delay", f"{share} of the requests are held for {time}", one.location)
    if expectation.abort:
        stop = expectation.abort
        code = f"grpc-status {stop.grpc_status}" if stop.grpc_status is not None else str(stop.status)
        yield rule.setting("fault.abort", f"{percent(float(stop.share))} are answered {code}", stop.location)
    if expectation.redirect and route and route.redirect:
        redirect = expectation.redirect
        yield rule.setting("redirect", f"{redirect.status} to {redirect.target}", rule.place("redirect"))
    elif route and route.direct_response:
        yield rule.setting(
            "directResponse", _answer(expectation, route.direct_response.status), rule.place("directResponse")
        )
    if route and route.cors:
        yield rule.setting("corsPolicy", _cors(route), rule.place("corsPolicy"))
    if route:
        yield from _headers(route, rule)
    if expectation.arms:
        yield from _rewrites(expectation, rule)
        yield from _times(expectation, rule)


class _Rule:
    """The rule as it is written."""

    def __init__(self, route: HttpRoute | None, written: Written) -> None:
        self.route = route
        self._written = written
        self._raw: Value | None = written.rule(route.location) if route else None
        self._owner = written.called(route.location) if route else ""

    def place(self, name: str) -> Location | None:
        """Where a field of it stands; the rule itself where that is not known."""
        for one in (name, *AS_HTTP_ROUTE.get(name, ())):
            if (found := field(self._raw, one)) is not None:
                return place_of(found)
        return self.route.location if self.route else None

    def setting(self, name: str, value: str, place: Location | None) -> Setting:
        return Setting(name, value, self._owner, place)

    def stated(self, name: str, value: str, place: Location) -> Setting:
        """A value that the rule states, or an object for the whole mesh, at a place."""
        own = any(field(self._raw, one) is not None for one in (name, *AS_HTTP_ROUTE.get(name, ())))
        found = (self.place(name) if own else None) or place
        return Setting(name, value, self._written.called(found), found)


def _answer(expectation: Expectation, stated: int) -> str:
    if expectation.status != stated:
        return f"{stated}, which gRPC is told by {expectation.status} with grpc-status {grpc_status(stated)}"
    return f"{stated} with the body {expectation.body!r}" if expectation.body else str(stated)


def _cors(route: HttpRoute) -> str:
    origins = route.cors.allow_origins if route.cors else ()
    named = ", ".join(f"{one.kind} {one.value}" for one in origins)
    return f"answers of other origins are open to {named or 'nobody'}"


def _headers(route: HttpRoute, rule: _Rule) -> Iterator[Setting]:
    several: list[tuple[str, HeaderChanges, Location | None]] = [("", route.headers, rule.place("headers"))]
    for one in route.destinations:
        name = one.destination.host.partition(".")[0]
        label = f" at {name}/{one.destination.subset}" if one.destination.subset else f" at {name}"
        several.append((label, one.headers, one.location))
    for label, changes, place in several:
        for side, change in (("request", changes.request), ("response", changes.response)):
            if shown := _change(change):
                yield rule.setting(f"headers.{side}{label}", shown, place)


def _change(change: HeaderChange) -> str:
    parts = [f"set {name}: {value}" for name, value in change.set]
    parts += [f"add {name}: {value}" for name, value in change.add]
    parts += [f"remove {name}" for name in change.remove]
    return "; ".join(parts)


def _rewrites(expectation: Expectation, rule: _Rule) -> Iterator[Setting]:
    request = expectation.request
    if request.is_tcp:
        return
    if expectation.path and expectation.path != request.path:
        own = rule.route is not None and rule.route.rewrite is not None
        place = rule.place("rewrite") if own else None
        text = f"{request.path} → {expectation.path}"
        yield (
            rule.setting("rewrite of the path", text, place) if own else Setting("path", text, f"{PROXY} normalises it")
        )
    if expectation.authority and expectation.authority != request.authority:
        place = rule.place("rewrite") if rule.route and rule.route.rewrite else rule.place("headers")
        yield rule.setting("rewrite of the host", f"{request.authority} → {expectation.authority}", place)


def _times(expectation: Expectation, rule: _Rule) -> Iterator[Setting]:
    if expectation.request.is_tcp:
        return
    limit, retries = expectation.timeout, expectation.retries
    if limit is None:
        yield Setting("timeout", "none", ISTIO)
    elif rule.route is not None and limit == rule.route.timeout:
        yield rule.setting("timeout", seconds(limit), rule.place("timeout"))
    else:
        yield Setting("timeout", seconds(limit), "the request's grpc-timeout")
    if retries is None:
        yield Setting("retries", f"{DEFAULT_ATTEMPTS} more tries on {', '.join(DEFAULT)}", ISTIO)
        return
    if not retries.attempts:
        yield rule.stated("retries", "none", retries.location)
        return
    each = f", {seconds(retries.per_try_timeout)} for each try" if retries.per_try_timeout else ""
    on = retries.retry_on or f"{','.join(DEFAULT)} ({ISTIO})"
    pause = f", pauses from {seconds(retries.back_off)}" if retries.back_off else ""
    tries = "1 more try" if retries.attempts == 1 else f"{retries.attempts} more tries"
    yield rule.stated("retries", f"{tries} on {on}{each}{pause}", retries.location)
