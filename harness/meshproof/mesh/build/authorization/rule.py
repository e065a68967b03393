"""The rules of an AuthorizationPolicy.

What istiod refuses: istio/istio pkg/config/validation, ValidateAuthorizationPolicy, and pkg/config/security; which
attribute each key of `when` is: pilot/pkg/security/authz/model/model.go (New).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address, ip_interface

from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.model.security.authorization import Attribute, AuthorizationRule, Condition, Conditions

OPERATION = {
    "hosts": Attribute.HOST,
    "methods": Attribute.METHOD,
    "paths": Attribute.PATH,
    "ports": Attribute.PORT,
}
SOURCE = {
    "principals": Attribute.IDENTITY,
    "requestPrincipals": Attribute.CLAIM,
    "namespaces": Attribute.IDENTITY,
    "serviceAccounts": Attribute.IDENTITY,
    "trustDomains": Attribute.IDENTITY,
    "ipBlocks": Attribute.ADDRESS,
    "remoteIpBlocks": Attribute.ADDRESS,
}
WHEN = {
    "source.ip": Attribute.ADDRESS,
    "remote.ip": Attribute.ADDRESS,
    "source.namespace": Attribute.IDENTITY,
    "source.serviceAccount": Attribute.IDENTITY,
    "source.principal": Attribute.IDENTITY,
    "source.trustDomain": Attribute.IDENTITY,
    "request.auth.principal": Attribute.CLAIM,
    "request.auth.audiences": Attribute.CLAIM,
    "request.auth.presenter": Attribute.CLAIM,
    "destination.ip": Attribute.DESTINATION,
    "destination.port": Attribute.PORT,
    "connection.sni": Attribute.SNI,
}
# What the lists of a rule are called in `when`.
KEYS = {"ipBlocks": "source.ip", "remoteIpBlocks": "remote.ip", "namespaces": "source.namespace"}
KEYS |= {"serviceAccounts": "source.serviceAccount", "trustDomains": "source.trustDomain"}
KEYS |= {"principals": "source.principal", "ports": "destination.port"}
NAMED = {
    "request.headers": Attribute.HEADER,
    "request.auth.claims": Attribute.CLAIM,
    "experimental.envoy.filters.": Attribute.METADATA,
}
IN_BRACKETS = re.compile(r".+?\[(.+)\]")
# What a segment of a path template may be beside {*} and {**}.
LITERAL = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+")
ONE, ANY = "{*}", "{**}"


def authorization_rule(value: Value) -> AuthorizationRule:
    sources = tuple(_of(one.need("source"), SOURCE) for one in value.list("from"))
    operations = tuple(_of(one.need("operation"), OPERATION) for one in value.list("to"))
    when = tuple(_when(one) for one in value.list("when"))
    return AuthorizationRule(sources, operations, when, value.location)


def _of(holder: Value, known: dict[str, Attribute]) -> Conditions:
    """The conditions of one source or operation; istiod refuses one without any."""
    found = tuple(_conditions(holder, known))
    if not found:
        raise holder.problem(f"{holder.name} is empty", "istiod refuses it: leave it out to mean every request")
    accounts = holder.list("serviceAccounts") or holder.list("notServiceAccounts")
    others = ("principals", "notPrincipals", "namespaces", "notNamespaces")
    if accounts and any(holder.list(one) for one in others):
        raise holder.problem("serviceAccounts stand beside namespaces or principals", "istiod refuses it")
    return found


def _conditions(holder: Value, known: dict[str, Attribute]) -> Iterator[Condition]:
    for name, attribute in known.items():
        negated = f"not{name[0].upper()}{name[1:]}"
        values, others = holder.list(name), holder.list(negated)
        for one in (*values, *others):
            _check(one, KEYS.get(name, name))
        if values or others:
            where = (values or others)[0].location
            yield Condition(attribute, KEYS.get(name, name), _texts(values), _texts(others), where)


def _when(value: Value) -> Condition:
    key = value.need("key")
    text = key.text()
    values, others = value.list("values"), value.list("notValues")
    if not values and not others:
        raise value.problem(f"{text} has neither values nor notValues", "istiod refuses it")
    attribute, name = WHEN.get(text), ""
    if attribute is None:
        attribute = next((found for prefix, found in NAMED.items() if text.startswith(prefix)), None)
        within = IN_BRACKETS.fullmatch(text)
        if attribute is None or within is None:
            raise key.problem(f"istiod knows no attribute {key.shown}", "such as request.headers[x-token]")
        name = within[1].lower() if attribute is Attribute.HEADER else ""
    for one in (*values, *others):
        _check(one, text)
    return Condition(attribute, text, _texts(values), _texts(others), value.location, name)


def _texts(values: Sequence[Value]) -> tuple[str, ...]:
    return tuple(one.text() for one in values)


def _check(value: Value, key: str) -> None:
    """Raise ManifestError for a value that istiod refuses."""
    if not value.text():
        raise value.problem(f"an empty value in {value.name}", "istiod refuses it")
    if check := CHECKS.get(key):
        check(value)


def _address(value: Value) -> None:
    text = value.text()
    try:
        (ip_interface if "/" in text else ip_address)(text)
    except ValueError:
        raise value.problem(f"{value.shown} is no IP address, and no block of them") from None


def _port(value: Value) -> None:
    text = value.text()
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_PORT):
        raise value.problem(f"{value.shown} is no port")


def _path(value: Value) -> None:
    template = ONE in value.text() or ANY in value.text()
    if template and (not value.text().startswith("/") or "//" in value.text()):
        raise value.problem(
            f"Envoy takes no path template as {value.shown}", "begin it with /, and leave no segment empty"
        )
    ended = False
    for segment in value.text().strip("/").split("/"):
        if segment in (ONE, ANY):
            if ended:
                raise value.problem(
                    f"in {value.shown} something comes after {ANY}", f"istiod wants {ANY} to be the last"
                )
            ended = segment == ANY
        elif set("{}") & set(segment):
            raise value.problem(f"{value.shown} is no path template", f"a segment is {ONE}, {ANY}, or has no braces")
        elif template and not LITERAL.fullmatch(segment):
            raise value.problem(f"{value.shown} is no path template: istiod refuses {segment!r} in one")


def _one_star(value: Value) -> None:
    text = value.text()
    if text.count("*") > 1 or ("*" in text[1:-1]):
        raise value.problem(f"{value.shown} has a * elsewhere than at one of its ends", "istiod refuses it")


def _trust_domain(value: Value) -> None:
    _one_star(value)
    if "/" in value.text() and not value.name.startswith(("values", "notValues")):
        raise value.problem(f"a trust domain has no slash, {value.shown} has", "istiod refuses it")


def _service_account(value: Value) -> None:
    text = value.text()
    namespace, slash, name = text.partition("/")
    if "*" in text or "/" in name or not namespace or (slash and not name):
        raise value.problem(f"{value.shown} is no service account", "write NAME or NAMESPACE/NAME")


CHECKS: dict[str, Callable[[Value], None]] = {
    "source.ip": _address,
    "remote.ip": _address,
    "destination.ip": _address,
    "destination.port": _port,
    "paths": _path,
    "source.trustDomain": _trust_domain,
    "source.serviceAccount": _service_account,
}
