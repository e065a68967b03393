"""The mutants of HTTPRoutes, of listeners and of grants are what they say."""

from __future__ import annotations

import pytest

from .kinds_made import at, made, spec

LISTENER = {"name": "any", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
CHANGES = [
    ("parent-dropped", "routes", "parentRefs[0] dropped", ("parentRefs", 0, "port"), 8001),
    ("parent-wrong", "routes", "name 'shop' → 'no-such-shop'", ("parentRefs", 0, "name"), "no-such-shop"),
    (
        "hostname-wrong",
        "routes",
        "hostnames[0] 'shop.example.com' → 'no-such-shop.example.com'",
        ("hostnames", 0),
        "no-such-shop.example.com",
    ),
    (
        "hostname-widened",
        "routes",
        "hostnames[1] 'www.example.com' → '*.example.com'",
        ("hostnames", 1),
        "*.example.com",
    ),
    ("hostname-dropped", "routes", "hostnames[0] dropped", ("hostnames",), ["www.example.com"]),
    ("route-rule-dropped", "routes", "rules[0] dropped", ("rules", 0, "matches", 0, "path"), {"value": "/old"}),
    ("route-rules-swapped", "routes", "rules 1 and 2 swapped", ("rules", 0, "matches", 0, "path"), {"value": "/old"}),
    ("route-match-dropped", "routes", "matches[0] dropped", ("rules", 0, "matches", 0, "path", "value"), "/c"),
    ("route-condition-dropped", "routes", "headers[0] dropped", ("rules", 0, "matches", 0, "headers"), []),
    (
        "route-condition-widened",
        "routes",
        "path PathPrefix '/a/b' → PathPrefix '/a'",
        ("rules", 0, "matches", 0, "path"),
        {"type": "PathPrefix", "value": "/a"},
    ),
    (
        "route-condition-widened",
        "routes",
        "path PathPrefix '/old' → PathPrefix '/'",
        ("rules", 1, "matches", 0, "path"),
        {"type": "PathPrefix", "value": "/"},
    ),
    (
        "route-condition-widened",
        "routes",
        "path Exact '/c' → PathPrefix '/c'",
        ("rules", 0, "matches", 1, "path"),
        {"type": "PathPrefix", "value": "/c"},
    ),
    (
        "route-condition-widened",
        "routes",
        "headers[0] user Exact 'jason' → RegularExpression 'jason.*'",
        ("rules", 0, "matches", 0, "headers", 0),
        {"name": "user", "type": "RegularExpression", "value": "jason.*"},
    ),
    (
        "route-condition-widened",
        "routes",
        "queryParams[0] q RegularExpression 'a+' → RegularExpression '(?:a+).*'",
        ("rules", 0, "matches", 1, "queryParams", 0, "value"),
        "(?:a+).*",
    ),
    (
        "route-condition-narrowed",
        "routes",
        "path PathPrefix '/old' → Exact '/old'",
        ("rules", 1, "matches", 0, "path"),
        {"type": "Exact", "value": "/old"},
    ),
    (
        "route-condition-narrowed",
        "routes",
        "path PathPrefix '/a/b' → PathPrefix '/a/bx'",
        ("rules", 0, "matches", 0, "path", "value"),
        "/a/bx",
    ),
    (
        "backend-dropped",
        "routes",
        "backendRefs[0] dropped",
        ("rules", 0, "backendRefs"),
        [{"name": "shop", "port": 8000}],
    ),
    ("backend-wrong", "routes", "name 'shop' → 'no-such-shop'", ("rules", 0, "backendRefs", 0, "name"), "no-such-shop"),
    ("filter-dropped", "routes", "filters[0] dropped", ("rules", 0, "filters", 0, "type"), "URLRewrite"),
    (
        "filter-header-dropped",
        "routes",
        "set[0] dropped",
        ("rules", 0, "filters", 0, "requestHeaderModifier"),
        {"set": [], "remove": ["c"]},
    ),
    (
        "filter-header-changed",
        "routes",
        "header a 'b' → 'bx'",
        ("rules", 0, "filters", 0, "requestHeaderModifier", "set"),
        [{"name": "a", "value": "bx"}],
    ),
    (
        "filter-path-changed",
        "routes",
        "replaceFullPath '/d' → '/dx'",
        ("rules", 0, "filters", 1, "urlRewrite", "path", "replaceFullPath"),
        "/dx",
    ),
    (
        "filter-host-changed",
        "routes",
        "hostname 'other.example.com' → 'other.example.comx'",
        ("rules", 0, "filters", 1, "urlRewrite", "hostname"),
        "other.example.comx",
    ),
    (
        "filter-code-changed",
        "routes",
        "statusCode 302 → 301",
        ("rules", 1, "filters", 0, "requestRedirect", "statusCode"),
        301,
    ),
    (
        "filter-scheme-changed",
        "routes",
        "scheme 'https' → 'http'",
        ("rules", 1, "filters", 0, "requestRedirect", "scheme"),
        "http",
    ),
    (
        "filter-mirror-changed",
        "routes",
        "mirror's 40 % → 20 %",
        ("rules", 0, "filters", 2, "requestMirror", "percent"),
        20,
    ),
    (
        "filter-origin-dropped",
        "routes",
        "allowOrigins[0] dropped",
        ("rules", 0, "filters", 3, "cors", "allowOrigins"),
        ["http://b.example"],
    ),
    ("route-timeout-dropped", "routes", "request dropped", ("rules", 0, "timeouts"), {"backendRequest": "1s"}),
    ("route-timeout-changed", "routes", "request '2s' → '4000ms'", ("rules", 0, "timeouts", "request"), "4000ms"),
    ("route-attempts-changed", "routes", "attempts 2 → 3", ("rules", 0, "retry", "attempts"), 3),
    ("route-code-dropped", "routes", "codes[0] dropped", ("rules", 0, "retry", "codes"), [503]),
    ("listener-port-wrong", "public", "port 80 → 81", ("listeners", 0, "port"), 81),
    (
        "listener-hostname-wrong",
        "public",
        "hostname 'a.example.com' → 'no-such-a.example.com'",
        ("listeners", 1, "hostname"),
        "no-such-a.example.com",
    ),
    (
        "listener-hostname-widened",
        "public",
        "hostname 'a.example.com' → '*.example.com'",
        ("listeners", 1, "hostname"),
        "*.example.com",
    ),
    (
        "listener-namespaces-changed",
        "public",
        "from 'All' → 'Same'",
        ("listeners", 0, "allowedRoutes", "namespaces", "from"),
        "Same",
    ),
    (
        "listener-sets-refused",
        "public",
        "from 'Same' → 'None'",
        ("allowedListeners", "namespaces", "from"),
        "None",
    ),
    ("listener-dropped", "public", "listeners[1] dropped", ("listeners",), [LISTENER]),
    ("grant-aim-dropped", "granted", "to[0] dropped", ("to",), [{"group": "", "kind": "Service", "name": "web"}]),
]

GONE = [
    ("route-matches-dropped", "routes", ("rules", 0, "matches")),
    ("route-retry-dropped", "routes", ("rules", 0, "retry")),
    ("listener-hostname-dropped", "public", ("listeners", 1, "hostname")),
    ("parent-section-dropped", "entering", ("parentRefs", 0, "sectionName")),
]


@pytest.mark.parametrize(("operator", "name", "what", "path", "value"), CHANGES)
def test_a_mutant_is_what_it_says(everything, operator: str, name: str, what: str, path, value) -> None:
    (mutant, *_) = [one for one in made(everything, operator, name) if one.what == what]
    assert at(spec(mutant.original), path[:-1] if path[-1] in ("exportTo", "weight") else path) != value
    assert at(spec(mutant.resource), path) == value


@pytest.mark.parametrize(("operator", "name", "path"), GONE)
def test_what_is_dropped_is_gone(everything, operator: str, name: str, path) -> None:
    mutant = made(everything, operator, name)[0]
    assert path[-1] in at(spec(mutant.original), path[:-1])
    assert path[-1] not in at(spec(mutant.resource), path[:-1])


def test_points_of_the_whole_go_from_backend_to_backend(everything) -> None:
    shifted = made(everything, "backend-weights-shifted", "routes")
    assert [one.what for one in shifted[:2]] == ["weights 3, 1 → 280, 120", "weights 3, 1 → 320, 80"]
    weights = [[one["weight"] for one in spec(each.resource)["rules"][0]["backendRefs"]] for each in shifted]
    assert [sum(one) for one in weights] == [400] * 6
    assert [one[1] * 100 // 400 for one in weights] == [30, 20, 35, 15, 45, 5]
