"""What is done to a request on its way: by its rule, and by Istio's defaults where the rule is silent."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import grpc_status
from meshproof.errors import Location
from meshproof.explain.context import Context
from meshproof.explain.explanation import Setting
from meshproof.explain.manifests import Written, field, place_of
from meshproof.explain.policies import default
from meshproof.explain.wording import percent, seconds
from meshproof.language.words import Words
from meshproof.manifest.value import Value
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, HttpRoute
from meshproof.mesh.predict.proxy.retrying import DEFAULT, DEFAULT_ATTEMPTS

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


def effects(context: Context, route: HttpRoute | None) -> Iterator[Setting]:
    """All of them, in the order in which a request meets them."""
    expectation, words = context.expectation, context.words
    rule = _Rule(route, context.written)
    if expectation.delay:
        one = expectation.delay
        share, time = percent(float(one.share)), seconds(one.seconds)
        said = words("{share} of the requests are held for {time}", share=share, time=time)
        yield rule.setting("fault.delay", said, one.location)
    if expectation.abort:
        stop = expectation.abort
        code = f"grpc-status {stop.grpc_status}" if stop.grpc_status is not None else str(stop.status)
        said = words("{share} are answered {code}", share=percent(float(stop.share)), code=code)
        yield rule.setting("fault.abort", said, stop.location)
    if expectation.redirect and route and route.redirect:
        redirect = expectation.redirect
        said = words("{status} to {target}", status=redirect.status, target=redirect.target)
        yield rule.setting("redirect", said, rule.place("redirect"))
    elif route and route.direct_response:
        yield rule.setting(
            "directResponse", _answer(expectation, route.direct_response.status, words), rule.place("directResponse")
        )
    if route and route.cors:
        yield rule.setting("corsPolicy", _cors(route, words), rule.place("corsPolicy"))
    if route:
        yield from _headers(route, rule, words)
    # Of HTTP that is passed on as bytes nothing is read.
    if expectation.arms and expectation.independent:
        yield from _rewrites(expectation, rule, words)
        yield from _times(expectation, rule, words)


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

    def stated(self, name: str, value: str, place: Location, called: str) -> Setting:
        """A value that the rule states, or an object for the whole mesh, at a place; `called` is its field's name."""
        own = any(field(self._raw, one) is not None for one in (name, *AS_HTTP_ROUTE.get(name, ())))
        found = (self.place(name) if own else None) or place
        return Setting(called, value, self._written.called(found), found)


def _answer(expectation: Expectation, stated: int, words: Words) -> str:
    if expectation.status != stated:
        told = f"{expectation.status} with grpc-status {grpc_status(stated)}"
        return words("{stated}, which gRPC is told by {told}", stated=stated, told=told)
    if not expectation.body:
        return str(stated)
    return words("{status} with the body {body}", status=stated, body=repr(expectation.body))


def _cors(route: HttpRoute, words: Words) -> str:
    origins = route.cors.allow_origins if route.cors else ()
    named = ", ".join(f"{one.kind} {one.value}" for one in origins)
    return words("answers of other origins are open to {origins}", origins=named or words("nobody"))


def _headers(route: HttpRoute, rule: _Rule, words: Words) -> Iterator[Setting]:
    several: list[tuple[str, HeaderChanges, Location | None]] = [("", route.headers, rule.place("headers"))]
    for one in route.destinations:
        name = one.destination.host.partition(".")[0]
        name = f"{name}/{one.destination.subset}" if one.destination.subset else name
        label = words(" at {destination}", destination=name)
        several.append((label, one.headers, one.location))
    for label, changes, place in several:
        for side, change in (("request", changes.request), ("response", changes.response)):
            if shown := _change(change, words):
                yield rule.setting(f"headers.{side}{label}", shown, place)


def _change(change: HeaderChange, words: Words) -> str:
    parts = [words("set {header}", header=f"{name}: {value}") for name, value in change.set]
    parts += [words("add {header}", header=f"{name}: {value}") for name, value in change.add]
    parts += [words("remove {header}", header=name) for name in change.remove]
    return "; ".join(parts)


def _rewrites(expectation: Expectation, rule: _Rule, words: Words) -> Iterator[Setting]:
    request = expectation.request
    if request.is_tcp:
        return
    if expectation.path and expectation.path != request.path:
        own = rule.route is not None and rule.route.rewrite is not None
        place = rule.place("rewrite") if own else None
        text = f"{request.path} → {expectation.path}"
        if own:
            yield rule.setting(words("rewrite of the path"), text, place)
        else:
            yield Setting(words("path"), text, words("the proxy normalises it"))
    if expectation.authority and expectation.authority != request.authority:
        place = rule.place("rewrite") if rule.route and rule.route.rewrite else rule.place("headers")
        yield rule.setting(words("rewrite of the host"), f"{request.authority} → {expectation.authority}", place)


def _times(expectation: Expectation, rule: _Rule, words: Words) -> Iterator[Setting]:
    if expectation.request.is_tcp:
        return
    limit, retries = expectation.timeout, expectation.retries
    time_out, again, istio = words("timeout"), words("retries"), default(words)
    if limit is None:
        yield Setting(time_out, words("none"), istio)
    elif rule.route is not None and limit == rule.route.timeout:
        yield rule.setting(time_out, seconds(limit), rule.place("timeout"))
    else:
        yield Setting(time_out, seconds(limit), words("the request's grpc-timeout"))
    if retries is None:
        yield Setting(again, _tries(DEFAULT_ATTEMPTS, ", ".join(DEFAULT), words), istio)
        return
    if not retries.attempts:
        yield rule.stated("retries", words("none"), retries.location, again)
        return
    each, pause = retries.per_try_timeout, retries.back_off
    said = _tries(retries.attempts, retries.retry_on or f"{','.join(DEFAULT)} ({istio})", words)
    said += words(", {time} for each try", time=seconds(each)) if each else ""
    said += words(", pauses from {time}", time=seconds(pause)) if pause else ""
    yield rule.stated("retries", said, retries.location, again)


def _tries(number: int, on: str, words: Words) -> str:
    if number == 1:
        return words("1 more try on {what}", what=on)
    return words("{n} more tries on {what}", n=number, what=on)
