"""What a route writes: header changes, rewrites, redirects, direct responses and CORS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from meshproof.mutate.change import appended, dropped, dropped_of_several, flipped, lasting, other_than
from meshproof.mutate.edit import fresh
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "VirtualService"
RULE = "spec.http[]"
CHANGES = tuple(
    f"{holder}.headers.{side}" for holder, side in product((RULE, f"{RULE}.route[]"), ("request", "response"))
)
WRITTEN = tuple(f"{one}.{verb}.*" for one, verb in product(CHANGES, ("set", "add")))
REMOVED = tuple(f"{one}.remove[]" for one in CHANGES)
REWRITE, REDIRECT, CORS = f"{RULE}.rewrite", f"{RULE}.redirect", f"{RULE}.corsPolicy"
CODES = (302, 301)
STATUSES = (503, 500)


def origin_widened(spot: Spot) -> Iterator[Edit]:
    """Every origin is allowed."""
    yield Edit("allowOrigins of all", fresh([*spot.value.items(), {"regex": ".*"}], spot.value))


REWRITING = (
    Operator("header-change-dropped", KIND, (*WRITTEN, *REMOVED), dropped),
    Operator("header-value-changed", KIND, WRITTEN, appended("x")),
    Operator("rewrite-dropped", KIND, (REWRITE,), dropped),
    Operator("rewrite-part-dropped", KIND, (f"{REWRITE}.uri", f"{REWRITE}.authority"), dropped_of_several),
    Operator("rewrite-changed", KIND, (f"{REWRITE}.uri", f"{REWRITE}.authority"), appended("x")),
    Operator(
        "rewrite-pattern-changed",
        KIND,
        (f"{REWRITE}.uriRegexRewrite.match", f"{REWRITE}.uriRegexRewrite.rewrite"),
        appended("x"),
    ),
    Operator(
        "redirect-part-dropped",
        KIND,
        tuple(f"{REDIRECT}.{one}" for one in ("uri", "authority", "scheme", "port", "redirectCode")),
        dropped_of_several,
    ),
    Operator("redirect-changed", KIND, (f"{REDIRECT}.uri", f"{REDIRECT}.authority"), appended("x")),
    Operator("redirect-scheme-changed", KIND, (f"{REDIRECT}.scheme",), other_than("http", "https")),
    Operator("redirect-code-changed", KIND, (f"{REDIRECT}.redirectCode",), other_than(*CODES)),
    Operator("response-status-changed", KIND, (f"{RULE}.directResponse.status",), other_than(*STATUSES)),
    Operator("response-body-changed", KIND, (f"{RULE}.directResponse.body.string",), appended("x")),
    Operator("response-body-dropped", KIND, (f"{RULE}.directResponse.body",), dropped),
    Operator("cors-dropped", KIND, (CORS,), dropped),
    Operator("cors-origins-widened", KIND, (f"{CORS}.allowOrigins",), origin_widened),
    Operator("cors-origin-dropped", KIND, (f"{CORS}.allowOrigins[]",), dropped_of_several),
    Operator(
        "cors-part-dropped",
        KIND,
        tuple(
            f"{CORS}.{one}"
            for one in ("allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge", "allowCredentials")
        ),
        dropped,
    ),
    Operator(
        "cors-entry-dropped",
        KIND,
        tuple(f"{CORS}.{one}[]" for one in ("allowMethods", "allowHeaders", "exposeHeaders")),
        dropped_of_several,
    ),
    Operator("cors-age-changed", KIND, (f"{CORS}.maxAge",), lasting(2)),
    Operator("cors-credentials-flipped", KIND, (f"{CORS}.allowCredentials",), flipped),
)
