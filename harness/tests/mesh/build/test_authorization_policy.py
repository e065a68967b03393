"""What istiod and the API server refuse in an AuthorizationPolicy."""

from __future__ import annotations

import pytest
from meshproof.errors import ManifestError

HEAD = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\n"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("action: DENY", "never comes true"),
        ("action: DENY, rules: []", "never comes true"),
        ("action: CUSTOM, provider: {name: x}", "never comes true"),
        ("action: CUSTOM, rules: [{}]", "without the name of a provider"),
        (
            "action: CUSTOM, provider: {name: x}, rules: [{from: [{source: {namespaces: [a]}}]}]",
            "takes no source.namespace",
        ),
        (
            "action: CUSTOM, provider: {name: x}, rules: [{from: [{source: {requestPrincipals: ['*']}}]}]",
            "takes no request",
        ),
        (
            "action: CUSTOM, provider: {name: x}, rules: [{when: [{key: source.principal, values: [a]}]}]",
            "takes no source",
        ),
        ("action: SHUT", "must be one of"),
        ("provider: {name: x}, rules: [{}]", "for CUSTOM alone"),
        ("rules: [{to: [{}]}]", "has no operation"),
        ("rules: [{to: [{operation: {}}]}]", "operation is empty"),
        ("rules: [{from: [{}]}]", "has no source"),
        ("rules: [{from: [{source: {}}]}]", "source is empty"),
        ("rules: [{from: [{source: {ipBlocks: [a]}}]}]", "no IP address"),
        ("rules: [{from: [{source: {serviceAccounts: [a], namespaces: [b]}}]}]", "beside namespaces"),
        ("rules: [{from: [{source: {serviceAccounts: [a/b/c]}}]}]", "no service account"),
        ("rules: [{from: [{source: {trustDomains: ['a*b']}}]}]", "elsewhere than at one of its ends"),
        ("rules: [{to: [{operation: {ports: ['http']}}]}]", "is no port"),
        ("rules: [{to: [{operation: {ports: ['65536']}}]}]", "is no port"),
        ("rules: [{to: [{operation: {ports: [80]}}]}]", "must be text"),
        ("rules: [{to: [{operation: {paths: ['']}}]}]", "an empty value"),
        ("rules: [{to: [{operation: {paths: ['/a{*}']}}]}]", "no path template"),
        ("rules: [{to: [{operation: {paths: ['/{**}/{*}']}}]}]", "comes after"),
        ("rules: [{to: [{operation: {paths: ['/*/{*}']}}]}]", "istiod refuses '*'"),
        ("rules: [{to: [{operation: {path: ['/a']}}]}]", "did you mean paths"),
        ("rules: [{when: [{key: source.ip}]}]", "neither values nor notValues"),
        ("rules: [{when: [{key: destination.labels, values: [a]}]}]", "no attribute"),
        ("rules: [{when: [{key: request.headers, values: [a]}]}]", "no attribute"),
        ("selector: {matchLabels: {a: b}}, targetRefs: [{kind: Service, name: a}]", "side by side"),
        ("targetRefs: [{kind: Pod, name: a}]", "no target of kind Pod"),
        ("targetRefs: [{kind: Service, name: a, namespace: b}]", "own namespace"),
    ],
)
def test_what_istiod_refuses(built, spec: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        built(f"{HEAD}spec: {{{spec}}}\n", proxyless=True)


@pytest.mark.parametrize(
    ("action", "value"), [("ALLOW", "maybe"), ("AUDIT", "true"), ("CUSTOM, provider: {name: x}", "true")]
)
def test_a_dry_run_is_of_allow_and_deny(built, action: str, value: str) -> None:
    text = HEAD.replace("{name: p}", f'{{name: p, annotations: {{istio.io/dry-run: "{value}"}}}}')
    with pytest.raises(ManifestError, match=r"istio\.io/dry-run is"):
        built(f"{text}spec: {{action: {action}, rules: [{{}}]}}\n", proxyless=True)


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        "{rules: [{}]}",
        "{rules: [{from: [], to: []}]}",
        "{action: CUSTOM, provider: {name: x}, rules: [{}]}",
        "{rules: [{to: [{operation: {paths: ['a*b', '/{*}/x/{**}/y/']}}]}]}",
        '{rules: [{when: [{key: "request.headers[:method]", values: [GET]}]}]}',
    ],
)
def test_what_istiod_takes(built, spec: str) -> None:
    assert built(f"{HEAD}spec: {spec}\n", proxyless=True).mesh.authorization_policies
    assert built(HEAD, proxyless=True).mesh.authorization_policies
