"""The requests that a RequestAuthentication can touch: those that may carry a token where it looks for one.

One without a token passes: istio/istio pilot/pkg/security/authn/policy_applier.go (convertToEnvoyJwtConfig: each
provider, or `allow_missing`). What it writes of a token into headers it takes away from what a client sends
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/jwt_authn/v3/config.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.unmodelled import Bearing, Pods, Role, Touches

# Where a token is looked for unless a rule says it.
HEADER, PARAMETER = "authorization", "access_token"
ROLES = frozenset({Role.RECEIVES, Role.LETS_IN})


def bearing(resource: Resource, several: tuple[Touches, ...]) -> tuple[Touches, ...]:
    """Of the requests that a policy for pods touches those that may carry a token; all where that cannot be read."""
    own = tuple(replace(one, roles=ROLES) if isinstance(one, Pods) else one for one in several)
    spec = resource.body.get("spec")
    try:
        rules = spec.list("jwtRules") if spec else ()
        headers = frozenset(name.lower() for rule in rules for name in _headers(rule))
        parameters = frozenset(one.text() for rule in rules for one in rule.list("fromParams"))
    except ManifestError:
        return own
    return tuple(Bearing(one, headers | {HEADER}, parameters | {PARAMETER}) for one in own)


def _headers(rule: Value) -> Iterator[str]:
    """The headers that a rule reads or writes."""
    yield from (one.need("name").text() for one in rule.list("fromHeaders"))
    yield from (one.need("header").text() for one in rule.list("outputClaimToHeaders"))
    if payload := rule.get("outputPayloadToHeader"):
        yield payload.text()
    if rule.list("fromCookies"):
        yield "cookie"
