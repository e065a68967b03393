"""HTTPRoutes to the model, and what the API server or istiod would refuse."""

from __future__ import annotations

import io

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build, build_all
from meshproof.mesh.model.unmodelled import Asked, Rule
from meshproof.mesh.model.virtual_service import MatchKind

SERVICES = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
"""
    for name, namespace in (("web", "default"), ("v1", "default"), ("v2", "default"), ("far", "shop"))
)
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  parentRefs: [PARENT]
  rules:
"""
ALONE = "it attaches to none of its parents, so its rules are not in force"
PARENT = '{group: "", kind: Service, name: web, namespace: default}'


def route(rules: str, *, name: str = "r", namespace: str = "default", parent: str = PARENT) -> str:
    head = ROUTE.replace("NAMESPACE", namespace).replace("NAME", name).replace("PARENT", parent)
    return head + "".join(f"  - {line}\n" if not line.startswith(" ") else f"  {line}\n" for line in rules.splitlines())


def manifests(*several: str):
    return load(["-"], stdin=io.StringIO(SERVICES + "---\n".join(several)), strict=False)


def mesh(*several: str):
    return build(manifests(*several).resources).mesh


def refused(*several: str) -> list[str]:
    return [one.why for one in build_all(manifests(*several)).mesh.unmodelled if one.refused]


def test_a_rule_without_anything_is_for_every_path_and_answers_500() -> None:
    (made,) = mesh(route("{}")).virtual_services
    (rule,) = made.http
    assert (made.hosts, made.gateways, made.gateway_api) == (("web.default.svc.cluster.local",), ("mesh",), True)
    assert (rule.matches[0].uri.kind, rule.matches[0].uri.value) == (MatchKind.PREFIX, "/")
    assert (rule.direct_response.status, rule.missing_status) == (500, 500)


def test_a_route_without_rules_has_the_one_that_the_api_server_puts_in() -> None:
    (made,) = mesh(route("").replace("  rules:\n", "")).virtual_services
    assert [one.direct_response.status for one in made.http] == [500]


@pytest.mark.parametrize(
    ("path", "kind", "value"),
    [
        ("{value: /a}", MatchKind.PATH_PREFIX, "/a"),
        ("{type: PathPrefix, value: /a/}", MatchKind.PATH_PREFIX, "/a"),
        ("{type: PathPrefix}", MatchKind.PREFIX, "/"),
        ("{type: Exact, value: /a/}", MatchKind.EXACT, "/a/"),
        ("{type: RegularExpression, value: '/a.*'}", MatchKind.REGEX, "/a.*"),
    ],
)
def test_paths(path: str, kind: MatchKind, value: str) -> None:
    (rule,) = mesh(route(f"matches: [{{path: {path}}}]")).virtual_services[0].http
    assert (rule.matches[0].uri.kind, rule.matches[0].uri.value) == (kind, value)


def test_backends_without_weight_are_none() -> None:
    text = "backendRefs: [{name: v1, port: 80}, {name: v2, port: 80, weight: 0}]"
    (rule,) = mesh(route(text)).virtual_services[0].http
    assert [(one.destination.host, one.weight) for one in rule.destinations] == [("v1.default.svc.cluster.local", 1)]
    (rule,) = mesh(route("backendRefs: [{name: v2, port: 80, weight: 0}]")).virtual_services[0].http
    assert (rule.destinations, rule.direct_response.status) == ((), 500)


def test_a_rule_whose_backends_have_no_weight_is_told() -> None:
    some = "backendRefs: [{name: v1, port: 80}, {name: v2, port: 80, weight: 0}]"
    none = "{matches: [{path: {value: /a}}], backendRefs: [{name: v1, port: 80, weight: 0}]}"
    (told,) = build_all(manifests(route(f"{some}\n{none}\n{{}}"))).notices
    assert told.message == "no backend of this rule has a weight: the proxy answers 500"


def test_timeouts_and_retries() -> None:
    rules = [
        "timeouts: {request: 2s, backendRequest: 1s500ms}",
        "timeouts: {request: 2s}",
        "timeouts: {request: 0s}",
        "{timeouts: {request: 2s, backendRequest: 500ms}, retry: {codes: [500]}}",
    ]
    made = mesh(route("\n".join(rules))).virtual_services[0].http
    assert [one.timeout for one in made] == [1.5, 2.0, None, 2.0]
    assert [one.retries for one in made[:3]] == [None, None, None]
    retries = made[3].retries
    assert (retries.attempts, retries.per_try_timeout) == (2, 0.5)
    assert retries.retry_on == "connect-failure,refused-stream,unavailable,cancelled,500"


def test_routes_of_one_parent_are_one_list_the_oldest_first() -> None:
    def dated(name: str, when: str, namespace: str = "default") -> str:
        text = route(f"{{name: of-{name}}}", name=name, namespace=namespace)
        return text.replace(f"name: {name},", f"name: {name}, creationTimestamp: '{when}',", 1)

    newer, older = dated("a", "2026-02-01T00:00:00Z"), dated("b", "2026-01-01T00:00:00Z")
    far = dated("c", "2025-01-01T00:00:00Z", "shop")
    made = mesh(newer, older, far).virtual_services
    assert {(one.namespace, tuple(rule.name for rule in one.http)) for one in made} == {
        ("default", ("of-b", "of-a")),
        ("shop", ("of-c",)),
    }
    equal = [dated(name, "2026-01-01T00:00:00Z") for name in "ba"]
    assert [rule.name for rule in mesh(*equal).virtual_services[0].http] == ["of-a", "of-b"]


def test_a_parents_port_is_a_condition_of_each_match() -> None:
    text = route("matches: [{path: {value: /a}}, {method: GET}]", parent=PARENT.replace("}", ", port: 80}"))
    (made,) = mesh(text).virtual_services
    assert [one.port for one in made.http[0].matches] == [80, 80]
    (made,) = mesh(text.replace("[{path: {value: /a}}, {method: GET}]", "[]")).virtual_services
    assert [(one.port, one.uri) for one in made.http[0].matches] == [(80, None)]


def test_parents_that_istiod_does_not_know_attach_nothing() -> None:
    built = build(manifests(route("{}", parent="{kind: Service, name: web}")).resources)
    assert built.mesh.virtual_services == ()
    assert "a Service is of group ''" in built.notices[-1].message
    built = build(manifests(route("{}", parent='{group: "", kind: Service, name: absent}')).resources)
    assert built.mesh.virtual_services == ()
    assert "Service default/absent is not among these manifests" in built.notices[-1].message
    assert [one.why for one in built.mesh.unmodelled] == [ALONE]


def test_rules_of_a_route_that_attaches_to_nothing_are_not_proved_and_cost_no_request() -> None:
    (one,) = mesh(route("{}", parent="{kind: Service, name: web}")).unmodelled
    assert (one.why, one.touches, one.refused) == (ALONE, (), False)
    assert mesh(route("{}", parent=f"{PARENT}, {{kind: Service, name: web}}")).unmodelled == ()


def test_a_mirror_of_what_is_not_there_is_left_out() -> None:
    mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: NAME, port: 80}}}"
    both = f"[{mirror.replace('NAME', 'v2')}, {mirror.replace('NAME', 'gone')}]"
    text = f"{{filters: {both}, backendRefs: [{{name: v1, port: 80}}]}}"
    built = build(manifests(route(text)).resources)
    (rule,) = built.mesh.virtual_services[0].http
    assert [one.destination.host for one in rule.mirrors] == ["v2.default.svc.cluster.local"]
    assert any("there is no Service default/gone" in one.message for one in built.notices)


@pytest.mark.parametrize(
    ("given", "share", "coarse"),
    [("", 1, True), ("percent: 10", 0.1, False), ("fraction: {numerator: 1, denominator: 8}", 0.125, False)],
)
def test_the_share_of_a_mirror(given: str, share: float, coarse: bool) -> None:
    more = f", {given}" if given else ""
    text = f"filters: [{{type: RequestMirror, requestMirror: {{backendRef: {{name: v2, port: 80}}{more}}}}}]"
    (rule,) = mesh(route(text)).virtual_services[0].http
    assert [(float(one.share), one.coarse) for one in rule.mirrors] == [(share, coarse)]


@pytest.mark.parametrize(
    ("origin", "kind", "value"),
    [
        ("https://a.example", MatchKind.EXACT, "https://a.example"),
        ("https://*", MatchKind.PREFIX, "https://"),
        ("https://*.a.example", MatchKind.REGEX, r"^https://.*\.a\.example$"),
        ("*", MatchKind.REGEX, r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"),
    ],
)
def test_origins(origin: str, kind: MatchKind, value: str) -> None:
    (rule,) = mesh(route(f"filters: [{{type: CORS, cors: {{allowOrigins: ['{origin}']}}}}]")).virtual_services[0].http
    assert [(one.kind, one.value) for one in rule.cors.allow_origins] == [(kind, value)]
    assert (rule.cors.max_age, rule.cors.answers_unmatched) == (5.0, True)


EXTENSION = "{type: ExtensionRef, extensionRef: {group: x.example, kind: Limit, name: l}}"
REDIRECT = "{type: RequestRedirect, requestRedirect: {hostname: other.example}}"
REWRITE = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (f"filters: [{EXTENSION}]", "istiod takes no filter of type ExtensionRef here"),
        ("filters: [{type: RequestRedirect}]", "a filter of type RequestRedirect needs requestRedirect"),
        (f"filters: [{REDIRECT}, {REDIRECT}]", "the filter RequestRedirect is given twice"),
        (f"filters: [{REDIRECT}, {REWRITE}]", "cannot have both RequestRedirect and URLRewrite"),
        (f"{{filters: [{REDIRECT}], backendRefs: [{{name: v1, port: 80}}]}}", "cannot have backendRefs"),
        (f"{{matches: [{{path: {{type: Exact, value: /a}}}}], filters: [{REWRITE}]}}", "exactly one match"),
        (f"{{matches: [{{method: GET}}, {{method: PUT}}], filters: [{REWRITE}]}}", "exactly one match"),
        ("backendRefs: [{name: v1}]", "a backend needs a port"),
        ("backendRefs: [{name: v1.default, port: 80}]", "no name of a Service"),
        ("backendRefs: [{name: v1, port: 80, weight: 1000001}]", "weight must be between 0 and 1000000"),
        (f"backendRefs: [{{name: v1, port: 80, filters: [{REDIRECT}]}}]", "no filter of type RequestRedirect here"),
        ("matches: [{path: {value: a}}]", "a path begins with /"),
        ("matches: [{path: {value: /a//b}}]", "// is not allowed there"),
        ("matches: [{path: {value: /a/..}}]", "/.. is not allowed there"),
        ("matches: [{path: {value: '/a b'}}]", "no path that the API server takes"),
        ("matches: [{headers: [{name: x, value: '1'}, {name: x, value: '2'}]}]", "x is given twice"),
        ("matches: [{headers: [{name: x, value: ''}]}]", "a value of at least one character"),
        ("timeouts: {request: 1.5s}", "must be a duration"),
        ("timeouts: {request: 1s, backendRequest: 2s}", "backendRequest must not be longer"),
        ("retry: {codes: [200]}", "between 400 and 599"),
        (f"filters: [{REDIRECT.replace('hostname', 'statusCode: 305, hostname')}]", "statusCode must be one of"),
        ("filters: [{type: CORS, cors: {allowOrigins: ['*', 'https://a.example']}}]", "cannot have * beside others"),
        ("filters: [{type: CORS, cors: {allowOrigins: ['a.example']}}]", "is no origin"),
    ],
)
def test_what_is_refused_leaves_the_whole_route_out(rule: str, why: str) -> None:
    text = route("matches: [{path: {value: /good}}]\n" + rule)
    (message,) = refused(text)
    assert why in message
    built = build_all(manifests(text))
    assert built.mesh.virtual_services == ()
    (one,) = built.mesh.unmodelled
    assert one.touches == (Asked(("web.default.svc.cluster.local",), ("mesh",)),)
    with pytest.raises(ManifestError):
        mesh(text)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]", "kind InferencePool"),
    ],
)
def test_what_is_not_modelled_touches_its_rule_alone(rule: str, why: str) -> None:
    found = build_all(manifests(route("matches: [{path: {value: /good}}]\n" + rule))).mesh
    (one,) = found.unmodelled
    assert why in one.why
    assert one.touches == (Rule(found.virtual_services[0].http[1].location),)
