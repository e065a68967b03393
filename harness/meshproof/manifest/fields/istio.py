"""The fields of Istio's VirtualService, DestinationRule and Gateway, alike in v1alpha3, v1beta1 and v1.

Source: https://istio.io/latest/docs/reference/config/networking/ and the published CRDs (1.9 to 1.31).
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import (
    DURATION,
    DURATION_OR_ZERO,
    FLAG,
    FREE_TEXT,
    LABELS,
    NUMBER,
    TEXT,
    WHOLE,
    Between,
    Form,
    Map,
    OneOf,
    Shape,
)

UNSIGNED = Between(0, 2**32 - 1)

STRING_MATCH: Shape = {"exact": TEXT, "prefix": TEXT, "regex": TEXT}
PERCENT: Shape = {"value": NUMBER}
PORT_SELECTOR: Shape = {"number": WHOLE}
DESTINATION: Shape = {"host": TEXT, "subset": TEXT, "port": PORT_SELECTOR}
HEADER_CHANGE: Shape = {"set": Map(TEXT), "add": Map(TEXT), "remove": [TEXT]}
HEADERS: Shape = {"request": HEADER_CHANGE, "response": HEADER_CHANGE}
ROUTE_DESTINATION: Shape = {"destination": DESTINATION, "weight": WHOLE}
SOURCE: dict[str, Shape] = {
    "port": WHOLE,
    "gateways": [TEXT],
    "sourceLabels": LABELS,
    "sourceNamespace": TEXT,
}

HTTP_MATCH: Shape = {
    **SOURCE,
    "name": TEXT,
    "statPrefix": TEXT,
    "uri": STRING_MATCH,
    "ignoreUriCase": FLAG,
    "scheme": STRING_MATCH,
    "method": STRING_MATCH,
    "authority": STRING_MATCH,
    "headers": Map(STRING_MATCH),
    "withoutHeaders": Map(STRING_MATCH),
    "queryParams": Map(STRING_MATCH),
}

HTTP_ROUTE: Shape = {
    "name": TEXT,
    "match": [HTTP_MATCH],
    "route": [{"destination": DESTINATION, "weight": WHOLE, "headers": HEADERS}],
    "redirect": {
        "uri": TEXT,
        "authority": TEXT,
        "scheme": TEXT,
        "port": WHOLE,
        "derivePort": OneOf(("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")),
        "redirectCode": WHOLE,
        "prefixRewrite": TEXT,
    },
    "directResponse": {"status": WHOLE, "body": {"string": FREE_TEXT, "bytes": TEXT}},
    "delegate": {"name": TEXT, "namespace": TEXT},
    "rewrite": {"uri": TEXT, "authority": TEXT, "uriRegexRewrite": {"match": TEXT, "rewrite": TEXT}},
    "timeout": DURATION,
    "retries": {
        "attempts": WHOLE,
        "perTryTimeout": DURATION,
        "retryOn": TEXT,
        "retryRemoteLocalities": FLAG,
        "retryIgnorePreviousHosts": FLAG,
        "backoff": DURATION,
    },
    "fault": {
        "delay": {"fixedDelay": DURATION, "exponentialDelay": DURATION, "percent": WHOLE, "percentage": PERCENT},
        "abort": {"httpStatus": WHOLE, "grpcStatus": TEXT, "http2Error": TEXT, "percentage": PERCENT},
    },
    "mirror": DESTINATION,
    "mirror_percent": WHOLE,
    "mirrorPercent": WHOLE,
    "mirrorPercentage": PERCENT,
    "mirrors": [{"destination": DESTINATION, "percentage": PERCENT}],
    "corsPolicy": {
        "allowOrigin": [TEXT],
        "allowOrigins": [STRING_MATCH],
        "allowMethods": [TEXT],
        "allowHeaders": [TEXT],
        "exposeHeaders": [TEXT],
        "maxAge": DURATION,
        "allowCredentials": FLAG,
        "unmatchedPreflights": OneOf(("UNSPECIFIED", "FORWARD", "IGNORE")),
    },
    "headers": HEADERS,
}

VIRTUAL_SERVICE = resource(
    spec={
        "hosts": [TEXT],
        "gateways": [TEXT],
        "exportTo": [TEXT],
        "http": [HTTP_ROUTE],
        "tls": [
            {"match": [{**SOURCE, "sniHosts": [TEXT], "destinationSubnets": [TEXT]}], "route": [ROUTE_DESTINATION]}
        ],
        "tcp": [
            {
                "match": [{**SOURCE, "sourceSubnet": TEXT, "destinationSubnets": [TEXT]}],
                "route": [ROUTE_DESTINATION],
            }
        ],
    },
    status=None,
)

LOCALITY: dict[str, Shape] = {
    "enabled": FLAG,
    "failover": [{"from": TEXT, "to": TEXT}],
    "failoverPriority": [TEXT],
}

PORT_POLICY: dict[str, Shape] = {
    "connectionPool": {
        "tcp": {
            "maxConnections": WHOLE,
            "connectTimeout": DURATION,
            "idleTimeout": DURATION_OR_ZERO,
            "maxConnectionDuration": DURATION,
            "tcpKeepalive": {"probes": UNSIGNED, "time": DURATION, "interval": DURATION},
        },
        "http": {
            "http1MaxPendingRequests": WHOLE,
            "http2MaxRequests": WHOLE,
            "maxRequestsPerConnection": WHOLE,
            "maxRetries": WHOLE,
            "idleTimeout": DURATION,
            "maxConcurrentStreams": WHOLE,
            "useClientProtocol": FLAG,
            "h2UpgradePolicy": OneOf(("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")),
            "http2KeepAlive": {"interval": DURATION, "timeout": DURATION},
        },
    },
    "outlierDetection": {
        "consecutiveErrors": WHOLE,
        "consecutive5xxErrors": WHOLE,
        "consecutiveGatewayErrors": WHOLE,
        "consecutiveLocalOriginFailures": WHOLE,
        "splitExternalLocalOriginErrors": FLAG,
        "interval": DURATION,
        "baseEjectionTime": DURATION,
        "maxEjectionPercent": WHOLE,
        "minHealthPercent": WHOLE,
        "outlierDetectionHttpErrorCodes": [WHOLE],
    },
    "loadBalancer": {
        "simple": OneOf(("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST")),
        "consistentHash": {
            "httpHeaderName": TEXT,
            "httpCookie": {"name": TEXT, "path": TEXT, "ttl": TEXT, "attributes": [{"name": TEXT, "value": TEXT}]},
            "useSourceIp": FLAG,
            "httpQueryParameterName": TEXT,
            "ringHash": {"minimumRingSize": WHOLE},
            "maglev": {"tableSize": WHOLE},
            "minimumRingSize": WHOLE,
        },
        "localityLbSetting": {**LOCALITY, "distribute": [{"from": TEXT, "to": Map(WHOLE)}]},
        "zoneAwareLbSetting": {**LOCALITY, "minClusterSize": WHOLE},
        "warmup": {"duration": DURATION, "minimumPercent": NUMBER, "aggression": NUMBER},
        "warmupDurationSecs": DURATION,
        "backendUtilization": None,
    },
    "tls": {
        "mode": OneOf(("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")),
        "clientCertificate": TEXT,
        "privateKey": TEXT,
        "caCertificates": TEXT,
        "caCrl": TEXT,
        "credentialName": TEXT,
        "caCertCredentialName": TEXT,
        "sni": TEXT,
        "subjectAltNames": [TEXT],
        "insecureSkipVerify": FLAG,
    },
}

TRAFFIC_POLICY: Shape = {
    **PORT_POLICY,
    "portLevelSettings": [{**PORT_POLICY, "port": PORT_SELECTOR}],
    "tunnel": {
        "protocol": OneOf(("CONNECT", "POST", "")),
        "targetHost": Form(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*\.?|[0-9a-fA-F:]+", "a host or an IP address"),
        "targetPort": Between(1, 65535),
    },
    "proxyProtocol": {"version": OneOf(("V1", "V2"))},
    "retryBudget": {
        "percent": Between(0, 100, whole=False),
        "budgetInterval": DURATION_OR_ZERO,
        "minRetryConcurrency": UNSIGNED,
    },
}

DESTINATION_RULE = resource(
    spec={
        "host": TEXT,
        "trafficPolicy": TRAFFIC_POLICY,
        "subsets": [{"name": TEXT, "labels": LABELS, "trafficPolicy": TRAFFIC_POLICY}],
        "exportTo": [TEXT],
        "workloadSelector": {"matchLabels": LABELS},
    },
    status=None,
)

TLS_VERSION = OneOf(("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"))
CERTIFICATE: dict[str, Shape] = {"serverCertificate": TEXT, "privateKey": TEXT, "caCertificates": TEXT}

GATEWAY = resource(
    spec={
        "selector": LABELS,
        "servers": [
            {
                "port": {"number": WHOLE, "protocol": TEXT, "name": TEXT, "targetPort": WHOLE},
                "bind": TEXT,
                "hosts": [TEXT],
                "name": TEXT,
                "defaultEndpoint": TEXT,
                "tls": {
                    **CERTIFICATE,
                    "mode": OneOf(
                        ("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL")
                    ),
                    "httpsRedirect": FLAG,
                    "credentialName": TEXT,
                    "credentialNames": [TEXT],
                    "caCertCredentialName": TEXT,
                    "caCrl": TEXT,
                    "tlsCertificates": [CERTIFICATE],
                    "subjectAltNames": [TEXT],
                    "insecureSkipVerify": FLAG,
                    "verifyCertificateSpki": [TEXT],
                    "verifyCertificateHash": [TEXT],
                    "minProtocolVersion": TLS_VERSION,
                    "maxProtocolVersion": TLS_VERSION,
                    "cipherSuites": [TEXT],
                },
            }
        ],
    },
    status=None,
)
