"""Each field of a VirtualService's rule, changed by itself."""

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
    ROUTE
  - route: [{destination: {host: other}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
"""
TO_V1 = "route: [{destination: {host: web, subset: v1}}]"


def rule(field: str, route: str = TO_V1) -> str:
    return ROUTE.replace("FIELD", field).replace("ROUTE", route)


FIELDS: Rows = {
    "mirror": ("", "mirror: {host: other}", {"mirrors"}),
    "mirror host": ("mirror: {host: other}", "mirror: {host: web, subset: v2}", {"mirrors"}),
    "mirrorPercentage": (
        "mirror: {host: other}",
        "mirror: {host: other}\n    mirrorPercentage: {value: 50}",
        {"mirrors"},
    ),
    "mirrors": (
        "mirror: {host: other}",
        "mirrors: [{destination: {host: other}}, {destination: {host: web, subset: v2}}]",
        {"mirrors"},
    ),
    "mirrors percentage": (
        "mirrors: [{destination: {host: other}, percentage: {value: 10}}]",
        "mirrors: [{destination: {host: other}, percentage: {value: 11}}]",
        {"mirrors"},
    ),
    "headers.request.set": (
        "headers: {request: {set: {x-a: a}}}",
        "headers: {request: {set: {x-a: b}}}",
        {"headers of the request"},
    ),
    "headers.request.add": (
        "headers: {request: {add: {x-a: a}}}",
        "headers: {request: {set: {x-a: a}}}",
        {"headers of the request"},
    ),
    "headers.request.remove": ("", "headers: {request: {remove: [x-a]}}", {"headers of the request"}),
    "headers.response.set": (
        "headers: {response: {set: {x-a: a}}}",
        "headers: {response: {set: {x-a: b}}}",
        {"headers of the answer"},
    ),
    "headers.response.add": (
        "headers: {response: {add: {x-a: a}}}",
        "headers: {response: {set: {x-a: a}}}",
        {"headers of the answer"},
    ),
    "headers.response.remove": ("", "headers: {response: {remove: [x-a]}}", {"headers of the answer"}),
    "rewrite.uri": ("rewrite: {uri: /b}", "rewrite: {uri: /c}", {"path"}),
    "rewrite.authority": (
        "rewrite: {authority: a.example}",
        "rewrite: {authority: b.example}",
        {"Host header", "headers of the request"},
    ),
    "rewrite.uriRegexRewrite.match": (
        "rewrite: {uriRegexRewrite: {match: '^/a', rewrite: /b}}",
        "rewrite: {uriRegexRewrite: {match: '^/a$', rewrite: /b}}",
        {"path"},
    ),
    "rewrite.uriRegexRewrite.rewrite": (
        "rewrite: {uriRegexRewrite: {match: '^/a', rewrite: /b}}",
        "rewrite: {uriRegexRewrite: {match: '^/a', rewrite: /c}}",
        {"path"},
    ),
    "timeout": ("timeout: 1s", "timeout: 2s", {"timeout"}),
    "timeout none": ("", "timeout: 2s", {"timeout"}),
    "retries.attempts": ("retries: {attempts: 1}", "retries: {attempts: 3}", {"retries"}),
    "retries none": ("", "retries: {attempts: 0}", {"retries"}),
    "retries.perTryTimeout": ("retries: {attempts: 1}", "retries: {attempts: 1, perTryTimeout: 1s}", {"retries"}),
    "retries.retryOn": (
        "retries: {attempts: 1, retryOn: 5xx}",
        "retries: {attempts: 1, retryOn: gateway-error}",
        {"retries"},
    ),
    "retries.backoff": ("retries: {attempts: 1}", "retries: {attempts: 1, backoff: 1s}", {"retries"}),
    "retries.retryIgnorePreviousHosts": (
        "retries: {attempts: 1}",
        "retries: {attempts: 1, retryIgnorePreviousHosts: false}",
        {"retries"},
    ),
    "retries.retryRemoteLocalities": (
        "retries: {attempts: 1}",
        "retries: {attempts: 1, retryRemoteLocalities: true}",
        {"retries"},
    ),
    "fault.delay.fixedDelay": (
        "fault: {delay: {fixedDelay: 1s, percentage: {value: 50}}}",
        "fault: {delay: {fixedDelay: 2s, percentage: {value: 50}}}",
        {"delay"},
    ),
    "fault.delay.percentage": (
        "fault: {delay: {fixedDelay: 1s, percentage: {value: 50}}}",
        "fault: {delay: {fixedDelay: 1s, percentage: {value: 51}}}",
        {"delay"},
    ),
    "fault.abort.httpStatus": (
        "fault: {abort: {httpStatus: 500, percentage: {value: 50}}}",
        "fault: {abort: {httpStatus: 501, percentage: {value: 50}}}",
        {"abort"},
    ),
    "fault.abort.percentage": (
        "fault: {abort: {httpStatus: 500, percentage: {value: 50}}}",
        "fault: {abort: {httpStatus: 500, percentage: {value: 51}}}",
        {"abort"},
    ),
    "fault.abort.grpcStatus": (
        "fault: {abort: {httpStatus: 503, percentage: {value: 50}}}",
        "fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 50}}}",
        {"abort"},
    ),
}
WAYS: Rows = {
    "weight": (
        "route: [{destination: {host: web, subset: v1}, weight: 90}, {destination: {host: web, subset: v2}, "
        "weight: 10}]",
        "route: [{destination: {host: web, subset: v1}, weight: 80}, {destination: {host: web, subset: v2}, "
        "weight: 20}]",
        {"outcome"},
    ),
    "subset": (
        "route: [{destination: {host: web, subset: v1}}]",
        "route: [{destination: {host: web, subset: v2}}]",
        {"outcome"},
    ),
    "destination headers.request.set": (
        "route: [{destination: {host: web, subset: v1}}]",
        "route: [{destination: {host: web, subset: v1}, headers: {request: {set: {x-a: a}}}}]",
        {"headers of the request"},
    ),
    "destination headers.response.remove": (
        "route: [{destination: {host: web, subset: v1}}]",
        "route: [{destination: {host: web, subset: v1}, headers: {response: {remove: [x-a]}}}]",
        {"headers of the answer"},
    ),
    "redirect": ("route: [{destination: {host: web, subset: v1}}]", "redirect: {uri: /b}", {"outcome"}),
    "redirect.uri": ("redirect: {uri: /b}", "redirect: {uri: /c}", {"outcome"}),
    "redirect.authority": ("redirect: {authority: b.example}", "redirect: {authority: c.example}", {"outcome"}),
    "redirect.scheme": ("redirect: {uri: /b}", "redirect: {uri: /b, scheme: https}", {"outcome"}),
    "redirect.port": ("redirect: {uri: /b, port: 81}", "redirect: {uri: /b, port: 82}", {"outcome"}),
    "redirect.derivePort": (
        "redirect: {uri: /b, derivePort: FROM_PROTOCOL_DEFAULT, scheme: https}",
        "redirect: {uri: /b, derivePort: FROM_REQUEST_PORT, scheme: https}",
        {"outcome"},
    ),
    "redirect.redirectCode": ("redirect: {uri: /b}", "redirect: {uri: /b, redirectCode: 302}", {"outcome"}),
    "redirect.prefixRewrite": ("redirect: {prefixRewrite: /b}", "redirect: {prefixRewrite: /c}", {"outcome"}),
    "directResponse.status": ("directResponse: {status: 200}", "directResponse: {status: 418}", {"outcome"}),
    "directResponse.body": (
        "directResponse: {status: 200, body: {string: a}}",
        "directResponse: {status: 200, body: {string: b}}",
        {"outcome"},
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_a_rule(name: str, told: Told) -> None:
    old, new, about = FIELDS[name]
    assert told(rule(old), rule(new)) == about


@pytest.mark.parametrize("name", WAYS)
def test_where_a_rule_leads(name: str, told: Told) -> None:
    old, new, about = WAYS[name]
    assert told(rule("", old), rule("", new)) == about


SAME = {
    "the default retries": ("", "retries: {attempts: 2}"),
    "hosts that were tried are left out anyway": (
        "retries: {attempts: 2}",
        "retries: {attempts: 2, retryIgnorePreviousHosts: true}",
    ),
    "a mirror, and a list of one": ("mirror: {host: other}", "mirrors: [{destination: {host: other}}]"),
    "all of a mirror": ("mirror: {host: other}", "mirror: {host: other}\n    mirrorPercentage: {value: 100}"),
    "none of a mirror": ("", "mirror: {host: other}\n    mirrorPercentage: {value: 0}"),
    "no faults": ("", "fault: {abort: {httpStatus: 500, percentage: {value: 0}}}"),
    "a name": ("", "name: first"),
    "1000 ms": ("timeout: 1s", "timeout: 1000ms"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_no_change(name: str, told: Told) -> None:
    assert told(*(rule(one) for one in SAME[name])) == set()
