"""What a policy lets in is what a real gateway lets in: paths in all their forms, templates, hosts, methods."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request

RULES = "  - {match: [{uri: {prefix: /}}], route: [{destination: {host: web, subset: v1}}]}\n"
HOST, GATEWAY = "web.default.svc.cluster.local", "default/front"
PATHS = (
    *("/", "/admin", "/admin/", "/admin?x=1", "/x/../admin", "/%61dmin", "/adm%69n", "//admin", "/ADMIN", "/adminx"),
    *("/admin%2f", "/admin;x", "/x\\..\\admin", "/./admin", "/a.html", "/a.html/", "/.html", "/v/1/x", "/v/1/2/x"),
    *("/v//x", "/v/%2f/x", "/v/a~b/x", "/v/a|b/x", "/w", "/w/", "/w/1", "/w/1/2/3", "/w/1|2", "/w/{a}", "/w/*"),
    *(
        f"/{first}/{chr(code)}{last}"
        for code in range(0x21, 0x7F)
        if chr(code) not in "?#%"
        for first, last in (("v", "/x"), ("w", ""))
    ),
)


def policy(action: str, rule: str) -> str:
    return (
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {action.lower()}, namespace: istio-system}}\nspec: {{action: {action}, rules: [{rule}]}}\n"
    )


def told(found) -> dict[str, int]:
    """The status of each request, which came as predicted."""
    assert [(str(one.expectation.request), one.difference) for one in found if one.difference] == []
    return {str(one.expectation.request): one.observation.status for one in found}


@pytest.mark.parametrize("action", ["DENY", "ALLOW"])
def test_paths(meet, action: str) -> None:
    rule = "{to: [{operation: {paths: [/admin, '*.html', '/v/{*}/x', '/w/{**}']}}]}"
    found = told(meet(RULES + policy(action, rule), [Request("GET", HOST, 80, one, gateway=GATEWAY) for one in PATHS]))
    assert {200, 403} <= set(found.values())


def test_methods_hosts_and_headers(meet) -> None:
    rule = (
        "{to: [{operation: {methods: [GET, 'P*'], notHosts: ['web.*:81', Shut.example.com]}}], "
        "when: [{key: 'request.headers[x-token]', values: [a, 'b*'], notValues: [bad]}]}"
    )
    requests = [
        Request(method, HOST, 80, "/", (*token, *host), gateway=GATEWAY)
        for method in ("GET", "PUT", "DELETE")
        for token in ((), (("x-token", "a"),), (("x-token", "bad"),), (("x-token", "a"), ("x-token", "bad")))
        for host in ((), (("host", f"{HOST}:81"),), (("host", HOST.upper()),))
    ]
    assert {200, 403} == set(told(meet(RULES + policy("ALLOW", rule), requests)).values())


@pytest.mark.parametrize(("name", "status"), [("requestPrincipals", 200), ("notRequestPrincipals", 403)])
def test_who_has_no_token_is_nobody(meet, name: str, status: int) -> None:
    found = meet(
        RULES + policy("DENY", f"{{from: [{{source: {{{name}: ['*']}}}}]}}"),
        [Request("GET", HOST, 80, "/", gateway=GATEWAY)],
    )
    assert [*told(found).values()] == [status]


def test_the_proxys_answer(meet) -> None:
    headers = ((), (("content-type", "application/grpc"),), (("upgrade", "websocket"), ("connection", "upgrade")))
    requests = [Request("GET", HOST, 80, "/", one, gateway=GATEWAY) for one in headers]
    requests += [
        Request("HEAD", HOST, 80, "/", gateway=GATEWAY),
        Request("GET", "nowhere.invalid", 80, gateway=GATEWAY),
    ]
    assert list(told(meet(RULES + policy("ALLOW", ""), requests)).values()) == [403, 200, 403, 403, 403]
