"""Each field of a CORS policy, changed by itself: of a VirtualService, and of an HTTPRoute's filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

import pytest

Told = Callable[[str, str], Set[str]]
Rows = Mapping[str, tuple[str, str, Set[str]]]
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - match: [{uri: {prefix: /a}}]
    FIELD
    route: [{destination: {host: web, subset: v1}}]
  - route: [{destination: {host: other}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
"""
HTTP_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{kind: Service, group: "", name: web, port: 80}]
  rules:
  - filters: [{type: CORS, cors: {FIELD}}]
    backendRefs: [{name: web, port: 80}]
"""


def cors(**fields: str) -> str:
    given = {
        "allowOrigins": "[{exact: 'https://a.example'}]",
        "allowMethods": "[GET]",
        "allowHeaders": "[x-a]",
        "exposeHeaders": "[x-e]",
        "maxAge": "10s",
        "allowCredentials": "false",
        "unmatchedPreflights": "FORWARD",
        **fields,
    }
    return "corsPolicy: {" + ", ".join(f"{name}: {value}" for name, value in given.items() if value) + "}"


def rule(policy: str) -> str:
    return ROUTE.replace("FIELD", policy)


def filtered(**fields: str) -> str:
    given = {
        "allowOrigins": "['https://a.example']",
        "allowMethods": "[GET]",
        "allowHeaders": "[x-a]",
        "exposeHeaders": "[x-e]",
        "maxAge": "10",
        "allowCredentials": "false",
        **fields,
    }
    return HTTP_ROUTE.replace("FIELD", ", ".join(f"{name}: {value}" for name, value in given.items() if value))


FIELDS: Rows = {
    "cors is new": ("", cors(), {"headers of the answer", "outcome"}),
    "allowOrigins exact": (
        cors(),
        cors(allowOrigins="[{exact: 'https://b.example'}]"),
        {"headers of the answer", "outcome"},
    ),
    "allowOrigins prefix": (cors(), cors(allowOrigins="[{prefix: 'https://a.example'}]"), {"outcome"}),
    "allowOrigins regex": (
        cors(),
        cors(allowOrigins="[{regex: 'https://[ab].example'}]"),
        {"headers of the answer", "outcome"},
    ),
    "allowOrigins more": (
        cors(),
        cors(allowOrigins="[{exact: 'https://a.example'}, {exact: 'https://b.example'}]"),
        {"outcome"},
    ),
    "allowOrigins any": (cors(), cors(allowOrigins="[{exact: '*'}]"), {"headers of the answer", "outcome"}),
    "allowMethods": (cors(), cors(allowMethods="[GET, POST]"), {"outcome"}),
    "allowMethods any": (cors(), cors(allowMethods="['*']"), {"outcome"}),
    "allowMethods any or that of the request": (cors(allowMethods="[GET]"), cors(allowMethods="['*']"), {"outcome"}),
    "allowHeaders": (cors(), cors(allowHeaders="[x-a, x-b]"), {"outcome"}),
    "allowHeaders any": (cors(), cors(allowHeaders="['*']"), {"outcome"}),
    "exposeHeaders": (cors(), cors(exposeHeaders="[x-e, x-f]"), {"headers of the answer", "outcome"}),
    "exposeHeaders none": (cors(), cors(exposeHeaders=""), {"headers of the answer", "outcome"}),
    "maxAge": (cors(), cors(maxAge="20s"), {"outcome"}),
    "maxAge none": (cors(), cors(maxAge=""), {"outcome"}),
    "allowCredentials": (cors(), cors(allowCredentials="true"), {"headers of the answer", "outcome"}),
    "unmatchedPreflights": (cors(), cors(unmatchedPreflights="IGNORE"), {"outcome"}),
}
FILTER: Mapping[str, str] = {
    "allowOrigins": "['https://b.example']",
    "allowMethods": "[GET, PUT]",
    "allowHeaders": "[x-a, x-b]",
    "exposeHeaders": "[x-e, x-f]",
    "maxAge": "20",
    "allowCredentials": "true",
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_a_cors_policy(name: str, told: Told) -> None:
    old, new, about = FIELDS[name]
    assert told(rule(old), rule(new)) == about


@pytest.mark.parametrize("name", FILTER)
def test_a_field_of_a_cors_filter(name: str, told: Told) -> None:
    assert "outcome" in told(filtered(), filtered(**{name: FILTER[name]}))


SAME = {
    "the former spelling": (cors(), cors(allowOrigins="").replace("{", "{allowOrigin: ['https://a.example'], ", 1)),
    "forwarding is the default": (cors(), cors(unmatchedPreflights="UNSPECIFIED")),
    "an origin that another one covers": (
        cors(allowOrigins="[{prefix: 'https://a'}]"),
        cors(allowOrigins="[{prefix: 'https://a'}, {exact: 'https://a.example'}]"),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_no_change(name: str, told: Told) -> None:
    assert told(*(rule(one) for one in SAME[name])) == set()
