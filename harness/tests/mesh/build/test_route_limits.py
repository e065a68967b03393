"""What the API server refuses of routes as a whole: too many of something, and what stands there twice."""

from __future__ import annotations

import pytest
from gateway_manifests import built

TO_WEB = "{group: '', kind: Service, name: web, namespace: shop}"
BACKENDS = "backendRefs: [{name: web, port: 80}]"
CORS = "type: CORS, cors"
SETS = "type: RequestHeaderModifier, requestHeaderModifier"


def http(rules: str, parents: str = TO_WEB, hosts: str = "", kind: str = "HTTPRoute", version: str = "v1") -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/{version}
kind: {kind}
metadata: {{name: r, namespace: shop}}
spec:
{f"  hostnames: [{hosts}]" if hosts else ""}
  parentRefs: [{parents}]
  rules: [{rules}]
"""


def parent(more: str) -> str:
    return f"{{group: '', kind: Service, name: web{more}}}"


def refused(text: str) -> list[str]:
    return [one.why for one in built(text).mesh.unmodelled if one.refused]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (http(f"{{{BACKENDS}}}", f"{parent('')}, {parent('')}"), "a parentRef is given twice"),
        (http(f"{{{BACKENDS}}}", f"{parent(', port: 80')}, {parent(', port: 80')}"), "a parentRef is given twice"),
        (
            http(f"{{{BACKENDS}}}", f"{parent(', port: 80')}, {parent('')}"),
            "each says the same of sectionName and port",
        ),
        (http(f"{{{BACKENDS}}}", f"{parent(', sectionName: a')}, {parent(', port: 80')}"), "each says the same"),
        (http(f"{{{BACKENDS}}}, {{{BACKENDS}}}".replace("{b", "{name: x, b")), "x is given twice in rules"),
        (http(f"{{name: X, {BACKENDS}}}"), "is not the name of a rule"),
        (http(", ".join([f"{{{BACKENDS}}}"] * 17)), "rules has more than 16 entries"),
        (http(f"{{matches: [{', '.join(['{method: GET}'] * 65)}], {BACKENDS}}}"), "matches has more than 64 entries"),
        (
            http(", ".join([f"{{matches: [{', '.join(['{method: GET}'] * 43)}], {BACKENDS}}}"] * 3)),
            "more than 128 matches in all",
        ),
        (http(f"{{backendRefs: [{', '.join(['{name: web, port: 80}'] * 17)}]}}"), "backendRefs has more than 16"),
        (http("{backendRefs: [{name: web, port: 80}], retry: {attempts: 0}}"), "must be between 1"),
        (http(f"{{matches: [{{path: {{value: /{'a' * 1024}}}}}], {BACKENDS}}}"), "a path of 1024 characters at most"),
        (
            http(f"{{filters: [{{{SETS}: {{set: [{{name: a, value: b}}, {{name: a, value: c}}]}}}}], {BACKENDS}}}"),
            "a is given twice in set",
        ),
        (http(f"{{filters: [{{{SETS}: {{remove: [a, a]}}}}], {BACKENDS}}}"), "a is given twice in remove"),
        (http(f"{{filters: [{{{CORS}: {{allowMethods: [GET, GET]}}}}], {BACKENDS}}}"), "GET is given twice"),
        (http(f"{{filters: [{{{CORS}: {{allowMethods: [get]}}}}], {BACKENDS}}}"), "must be one of GET"),
        (http(f"{{filters: [{{{CORS}: {{allowHeaders: [x a]}}}}], {BACKENDS}}}"), "is not the name of a header"),
        (http(f"{{{BACKENDS}}}", hosts="A.example.com"), "is not a host name in lower case"),
        (http(f"{{{BACKENDS}}}", hosts="'*'"), "is not a host name in lower case"),
        (
            http(f"{{filters: [{{type: URLRewrite, urlRewrite: {{hostname: '*.a'}}}}], {BACKENDS}}}"),
            "is not a host name",
        ),
        (http("{}", kind="TCPRoute"), "a rule needs backendRefs"),
        (http(f"{{{BACKENDS}}}, {{{BACKENDS}}}", kind="TCPRoute"), "rules has more than 1 entries"),
        (http(f"{{{BACKENDS}}}, {{{BACKENDS}}}", kind="TLSRoute", hosts="a.example.com"), "rules has more than 1"),
    ],
)
def test_it_is_refused(text: str, why: str) -> None:
    (found,) = refused(text)
    assert why in found


@pytest.mark.parametrize(
    "text",
    [
        http(f"{{{BACKENDS}}}", f"{parent(', port: 80')}, {parent(', port: 81')}"),
        # To the API server a namespace that is left out is another one.
        http(f"{{{BACKENDS}}}", f"{parent('')}, {parent(', namespace: shop')}"),
        http(", ".join([f"{{{BACKENDS}}}"] * 16)),
        http(f"{{filters: [{{{SETS}: {{set: [{{name: a, value: b}}, {{name: A, value: c}}]}}}}], {BACKENDS}}}"),
        http(f"{{{BACKENDS}}}", hosts="'*.example.com', example.com"),
        http(f"{{{BACKENDS}}}, {{{BACKENDS}}}", kind="TCPRoute", version="v1alpha2"),
    ],
)
def test_it_is_taken(text: str) -> None:
    assert refused(text) == []
