"""The fields of the Gateway API's Gateway, routes and ReferenceGrant, alike in all versions.

Source: https://gateway-api.sigs.k8s.io/reference/spec/ and the published CRDs (experimental channel, up to 1.5).
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import ANNOTATIONS, FLAG, LABELS, TEXT, WHOLE, Filled, Form, Map, OneOf, Shape
from meshproof.manifest.syntax import names

GROUP = Form(rf"({names.SUBDOMAIN.pattern})?", "an API group")
KIND = Form(r"[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?", "a kind", names.LONGEST_LABEL)
NAMESPACE = Form(names.LABEL_1123.pattern, "a namespace", names.LONGEST_LABEL)
NAME = Form(r"(?s).+", "a name")
PROTOCOL = Form(rf"[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?|{names.SUBDOMAIN.pattern}/[A-Za-z0-9]+", "a protocol", 255)

HOST = Form(names.SUBDOMAIN.pattern, "a host name in lower case", 253)
PATTERN = Form(rf"(\*\.)?{names.SUBDOMAIN.pattern}", "a host name in lower case, nor one after '*.'", 253)
RULE_NAME = Form(names.SUBDOMAIN.pattern, "the name of a rule", 253)
HEADER = Form(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+", "the name of a header", 256)
PATH = Form(r"(?s).*", "a path of 1024 characters at most", 1024)
CONTROLLER = Form(rf"{names.SUBDOMAIN.pattern}/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", "a controller, as DOMAIN/PATH", 253)

PARENT: Shape = {
    "group": GROUP,
    "kind": KIND,
    "namespace": NAMESPACE,
    "name": NAME,
    "sectionName": Form(names.SUBDOMAIN.pattern, "the name of a listener"),
    "port": WHOLE,
}
BACKEND: dict[str, Shape] = {"group": GROUP, "kind": KIND, "namespace": NAMESPACE, "name": NAME, "port": WHOLE}
NAMED: Shape = [{"name": TEXT, "value": TEXT}]
CONDITION: Shape = {"type": OneOf(("Exact", "RegularExpression")), "name": TEXT, "value": TEXT}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
MATCH: Shape = {
    "path": {"type": OneOf(("Exact", "PathPrefix", "RegularExpression")), "value": PATH},
    "headers": [CONDITION],
    "queryParams": [CONDITION],
    "method": OneOf(METHODS),
}
HEADER_CHANGE: Shape = {"set": NAMED, "add": NAMED, "remove": [TEXT]}
PATH_CHANGE: Shape = {
    "type": OneOf(("ReplaceFullPath", "ReplacePrefixMatch")),
    "replaceFullPath": TEXT,
    "replacePrefixMatch": TEXT,
}
FILTER: Shape = {
    "type": OneOf(
        (
            "RequestHeaderModifier",
            "ResponseHeaderModifier",
            "RequestMirror",
            "RequestRedirect",
            "URLRewrite",
            "CORS",
            "ExternalAuth",
            "ExtensionRef",
        )
    ),
    "requestHeaderModifier": HEADER_CHANGE,
    "responseHeaderModifier": HEADER_CHANGE,
    "requestMirror": {
        "backendRef": BACKEND,
        "percent": WHOLE,
        "fraction": {"numerator": WHOLE, "denominator": WHOLE},
    },
    "requestRedirect": {
        "scheme": OneOf(("http", "https")),
        "hostname": HOST,
        "path": PATH_CHANGE,
        "port": WHOLE,
        "statusCode": WHOLE,
    },
    "urlRewrite": {"hostname": HOST, "path": PATH_CHANGE},
    "cors": {
        "allowOrigins": [TEXT],
        "allowCredentials": FLAG,
        "allowMethods": [OneOf((*METHODS, "*"))],
        "allowHeaders": [HEADER],
        "exposeHeaders": [HEADER],
        "maxAge": WHOLE,
    },
    "externalAuth": None,
    "extensionRef": {"group": GROUP, "kind": KIND, "name": NAME},
}
RULE: Shape = {
    "name": RULE_NAME,
    "matches": [MATCH],
    "filters": [FILTER],
    "backendRefs": [{**BACKEND, "weight": WHOLE, "filters": [FILTER]}],
    "timeouts": {"request": TEXT, "backendRequest": TEXT},
    "retry": {"codes": [WHOLE], "attempts": WHOLE, "backoff": TEXT},
    "sessionPersistence": None,
}

HTTP_ROUTE = resource(
    spec={
        "parentRefs": [PARENT],
        "hostnames": [PATTERN],
        "rules": [RULE],
        "useDefaultGateways": OneOf(("All", "None")),
    },
    status=None,
)

CONNECTION_RULES: Shape = [{"name": RULE_NAME, "backendRefs": Filled({**BACKEND, "weight": WHOLE})}]
GRPC_RULE: Shape = {
    "name": RULE_NAME,
    "matches": [
        {
            "method": {"type": OneOf(("Exact", "RegularExpression")), "service": TEXT, "method": TEXT},
            "headers": [CONDITION],
        }
    ],
    "filters": [FILTER],
    "backendRefs": [{**BACKEND, "weight": WHOLE, "filters": [FILTER]}],
    "sessionPersistence": None,
}
COMMON: dict[str, Shape] = {"parentRefs": [PARENT], "useDefaultGateways": OneOf(("All", "None"))}

GRPC_ROUTE = resource(spec={**COMMON, "hostnames": [PATTERN], "rules": [GRPC_RULE]}, status=None)
TCP_ROUTE = resource(spec={**COMMON, "rules": CONNECTION_RULES}, status=None)
TLS_ROUTE = resource(spec={**COMMON, "hostnames": [PATTERN], "rules": CONNECTION_RULES}, status=None)

LISTENER: Shape = {
    "name": TEXT,
    "hostname": NAME,
    "port": WHOLE,
    "protocol": PROTOCOL,
    "tls": {
        "mode": OneOf(("Terminate", "Passthrough")),
        "certificateRefs": [{"group": GROUP, "kind": KIND, "namespace": NAMESPACE, "name": NAME}],
        "options": Map(TEXT),
        "frontendValidation": None,
    },
    "allowedRoutes": {
        "namespaces": {
            "from": OneOf(("All", "Selector", "Same")),
            "selector": {
                "matchLabels": LABELS,
                "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
            },
        },
        "kinds": [{"group": GROUP, "kind": KIND}],
    },
}

GATEWAY_CLASS = resource(
    spec={
        "controllerName": CONTROLLER,
        "description": TEXT,
        "parametersRef": {"group": TEXT, "kind": KIND, "name": NAME, "namespace": NAMESPACE},
    },
    status=None,
)

GATEWAY = resource(
    spec={
        "gatewayClassName": NAME,
        "listeners": [LISTENER],
        "addresses": [{"type": TEXT, "value": TEXT}],
        "infrastructure": {
            "labels": LABELS,
            "annotations": ANNOTATIONS,
            "parametersRef": {"group": GROUP, "kind": KIND, "name": NAME},
        },
        "allowedListeners": {
            "namespaces": {
                "from": OneOf(("All", "Selector", "Same", "None")),
                "selector": {
                    "matchLabels": LABELS,
                    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
                },
            }
        },
        "tls": None,
        "backendTLS": None,
        "defaultScope": TEXT,
    },
    status=None,
)

LISTENER_SET = resource(
    spec={
        "parentRef": {"group": TEXT, "kind": TEXT, "namespace": TEXT, "name": TEXT},
        "listeners": [LISTENER],
    },
    status=None,
)

REFERENCE_GRANT = resource(
    spec={
        "from": Filled({"group": GROUP, "kind": KIND, "namespace": NAMESPACE}),
        "to": Filled({"group": GROUP, "kind": KIND, "name": NAME}),
    },
)
