"""One rule as an RBAC policy: what it allows or denies, and to whom.

After istio/istio pilot/pkg/security/authz/model (model.go, generator.go, permission.go, principal.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_interface

from meshproof.envoy.authorization.matchers import header_matcher, path_permission, string_matcher, with_prefix
from meshproof.envoy.unit import Fields, wrapped
from meshproof.mesh.model.security.authorization import Attribute, AuthorizationRule, Condition
from meshproof.records import dataclass

ANY: Fields = {"any": True}
NO_PERMISSION: Fields = {"not_rule": ANY}
NOBODY: Fields = {"not_id": ANY}
SPIFFE = "spiffe://"


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener, for what a policy says of ports: `namespace` is the policy's, `port` the pods' own."""

    namespace: str
    port: int


def rbac_policy(rule: AuthorizationRule, listening: Listening) -> Fields:
    """Conditions of `when` count with each source or operation, whichever they are about."""
    own = [one for one in rule.when if one.attribute in PERMISSIONS]
    others = [one for one in rule.when if one.attribute not in PERMISSIONS]
    operations = [(*one, *own) for one in rule.operations] or [tuple(own)]
    sources = [(*one, *others) for one in rule.sources] or [tuple(others)]
    return {
        "permissions": [_permission(one, listening) for one in operations],
        "principals": [_principal(one, listening) for one in sources],
    }


def _permission(conditions: Iterable[Condition], listening: Listening) -> Fields:
    found: list[Fields] = []
    for one in conditions:
        make = PERMISSIONS[one.attribute]
        if one.values:
            found.append({"or_rules": {"rules": [make(one, value, listening) for value in one.values]}})
        if one.not_values:
            several = {"or_rules": {"rules": [make(one, value, listening) for value in one.not_values]}}
            found.append({"not_rule": several})
    return {"and_rules": {"rules": found or [ANY]}}


def _principal(conditions: Iterable[Condition], listening: Listening) -> Fields:
    found: list[Fields] = []
    for one in conditions:
        make = PRINCIPALS[one.attribute]
        if one.values:
            found.append({"or_ids": {"ids": [make(one, value, listening) for value in one.values]}})
        if one.not_values:
            several = {"or_ids": {"ids": [make(one, value, listening) for value in one.not_values]}}
            found.append({"not_id": several})
    return {"and_ids": {"ids": found or [ANY]}}


def _host(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"header": header_matcher(":authority", value, ignore_case=True)}


def _method(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"header": header_matcher(":method", value)}


def _path(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return path_permission(value)


def _port(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    """Here a listener has a local port; the pods' own, by which it is decided, is known beforehand."""
    return ANY if int(value) == listening.port else NO_PERMISSION


def _sni(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"requested_server_name": string_matcher(value)}


def _destination(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"destination_ip": _range(value)}


def _metadata(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    """What no filter of this mesh writes."""
    return NO_PERMISSION


def _header(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"header": header_matcher(condition.name, value)}


def _address(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    return {"remote_ip" if condition.key == "remote.ip" else "direct_remote_ip": _range(value)}


def _range(value: str) -> Fields:
    network = ip_interface(value).network
    return {"address_prefix": str(ip_interface(value).ip), "prefix_len": wrapped(network.prefixlen)}


def _claim(condition: Condition, value: str, listening: Listening) -> Fields:  # noqa: ARG001
    """What is read of a token by a filter that this mesh does not have."""
    return NOBODY


def _identity(condition: Condition, value: str, listening: Listening) -> Fields:
    return {"authenticated": {"principal_name": IDENTITIES[condition.key](value, listening.namespace)}}


def _namespace(value: str, own: str) -> Fields:  # noqa: ARG001
    return {"safe_regex": {"regex": f".*/ns/{'.*'.join(map(re.escape, value.split('*')))}/.*"}}


def _service_account(value: str, own: str) -> Fields:
    namespace, slash, name = value.rpartition("/")
    there = re.escape(namespace if slash else own)
    return {"safe_regex": {"regex": f"{SPIFFE}.+/ns/{there}/(.+/|)sa/{re.escape(name)}(/.+)?"}}


def _trust_domain(value: str, own: str) -> Fields:  # noqa: ARG001
    if value == "*":
        return {"prefix": SPIFFE}
    if "*" not in value:
        return {"prefix": f"{SPIFFE}{value}/"}
    before, _, after = value.partition("*")
    return {"safe_regex": {"regex": f"{SPIFFE}{re.escape(before)}[^/]*{re.escape(after)}/.*"}}


def _principal_name(value: str, own: str) -> Fields:  # noqa: ARG001
    return with_prefix(value, SPIFFE)


IDENTITIES: dict[str, Callable[[str, str], Fields]] = {
    "source.namespace": _namespace,
    "source.serviceAccount": _service_account,
    "source.trustDomain": _trust_domain,
    "source.principal": _principal_name,
}
Make = Callable[[Condition, str, Listening], Fields]
PERMISSIONS: dict[Attribute, Make] = {
    Attribute.HOST: _host,
    Attribute.METHOD: _method,
    Attribute.PATH: _path,
    Attribute.PORT: _port,
    Attribute.SNI: _sni,
    Attribute.DESTINATION: _destination,
    Attribute.METADATA: _metadata,
}
PRINCIPALS: dict[Attribute, Make] = {
    Attribute.HEADER: _header,
    Attribute.ADDRESS: _address,
    Attribute.CLAIM: _claim,
    Attribute.IDENTITY: _identity,
}
