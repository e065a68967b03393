"""Each field of a DestinationRule's policy, changed by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

import pytest

Told = Callable[[str, str], Set[str]]
Rows = Mapping[str, tuple[str, str, Set[str]]]
POLICY = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {FIELD}
"""
FIELDS: Rows = {
    "maxConnections": (
        "connectionPool: {tcp: {maxConnections: 1}}",
        "connectionPool: {tcp: {maxConnections: 2}}",
        {"connectionPool.maxConnections"},
    ),
    "connectTimeout": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {connectTimeout: 1s}}",
        {"connectionPool.connectTimeout"},
    ),
    "tcp.idleTimeout": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {idleTimeout: 10s}}",
        {"connectionPool.idleTimeout"},
    ),
    "maxConnectionDuration": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {maxConnectionDuration: 10s}}",
        {"not understood: DestinationRule"},
    ),
    "http1MaxPendingRequests": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {http1MaxPendingRequests: 1}}",
        {"connectionPool.http1MaxPendingRequests"},
    ),
    "http2MaxRequests": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {http2MaxRequests: 1}}",
        {"connectionPool.http2MaxRequests"},
    ),
    "maxRequestsPerConnection": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {maxRequestsPerConnection: 1}}",
        {"connectionPool.maxRequestsPerConnection"},
    ),
    "maxRetries": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {maxRetries: 1}}",
        {"connectionPool.maxRetries"},
    ),
    "http.idleTimeout": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {idleTimeout: 10s}}",
        {"connectionPool.idleTimeout"},
    ),
    "maxConcurrentStreams": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {maxConcurrentStreams: 1}}",
        {"not understood: DestinationRule"},
    ),
    "h2UpgradePolicy": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {h2UpgradePolicy: UPGRADE}}",
        {"protocol to pods"},
    ),
    "useClientProtocol": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {useClientProtocol: true}}",
        {"protocol to pods"},
    ),
    "tcpKeepalive": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {tcpKeepalive: {time: 10s}}}",
        {"not understood: DestinationRule"},
    ),
    "outlierDetection is new": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, outlierDetection: {consecutive5xxErrors: 3, interval: 10s, "
        "baseEjectionTime: 30s}",
        {
            "outcome",
            "outlierDetection.baseEjectionTime",
            "outlierDetection.consecutive5xxErrors",
            "outlierDetection.interval",
            "outlierDetection.maxEjectionPercent",
            "outlierDetection.minHealthPercent",
            "outlierDetection.splitExternalLocalOriginErrors",
        },
    ),
    "consecutive5xxErrors": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 4, interval: 10s, baseEjectionTime: 30s}",
        {"outlierDetection.consecutive5xxErrors"},
    ),
    "consecutiveGatewayErrors": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, "
        "consecutiveGatewayErrors: 2}",
        {"outlierDetection.consecutiveGatewayErrors"},
    ),
    "consecutiveLocalOriginFailures": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, "
        "splitExternalLocalOriginErrors: true}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, "
        "splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2}",
        {"outlierDetection.consecutiveLocalOriginFailures"},
    ),
    "splitExternalLocalOriginErrors": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, "
        "splitExternalLocalOriginErrors: true}",
        {"outlierDetection.splitExternalLocalOriginErrors"},
    ),
    "interval": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 11s, baseEjectionTime: 30s}",
        {"outlierDetection.interval"},
    ),
    "baseEjectionTime": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 31s}",
        {"outlierDetection.baseEjectionTime"},
    ),
    "maxEjectionPercent": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 50}",
        {"outlierDetection.maxEjectionPercent"},
    ),
    "minHealthPercent": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, minHealthPercent: 50}",
        {"outlierDetection.minHealthPercent"},
    ),
    "loadBalancer.simple": (
        "connectionPool: {tcp: {maxConnections: 9}}",
        "connectionPool: {tcp: {maxConnections: 9}}, loadBalancer: {simple: ROUND_ROBIN}",
        {"loadBalancer"},
    ),
    "httpHeaderName": (
        "loadBalancer: {consistentHash: {httpHeaderName: x-a}}",
        "loadBalancer: {consistentHash: {httpHeaderName: x-b}}",
        {"hash"},
    ),
    "httpQueryParameterName": (
        "loadBalancer: {consistentHash: {httpQueryParameterName: a}}",
        "loadBalancer: {consistentHash: {httpQueryParameterName: b}}",
        {"hash"},
    ),
    "useSourceIp": (
        "connectionPool: {tcp: {maxConnections: 9}}",
        "connectionPool: {tcp: {maxConnections: 9}}, loadBalancer: {consistentHash: {useSourceIp: true}}",
        {"hash", "loadBalancer", "retries"},
    ),
    "httpCookie.name": (
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 0s}}}",
        "loadBalancer: {consistentHash: {httpCookie: {name: b, ttl: 0s}}}",
        {"hash"},
    ),
    "httpCookie.path": (
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 9s, path: /a}}}",
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 9s, path: /b}}}",
        {"hash"},
    ),
    "httpCookie.ttl": (
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 9s}}}",
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 8s}}}",
        {"hash"},
    ),
    "ringHash": (
        "loadBalancer: {consistentHash: {httpHeaderName: x-a}}",
        "loadBalancer: {consistentHash: {httpHeaderName: x-a, ringHash: {minimumRingSize: 9000}}}",
        {"hash"},
    ),
    "maglev": (
        "loadBalancer: {consistentHash: {httpHeaderName: x-a}}",
        "loadBalancer: {consistentHash: {httpHeaderName: x-a, maglev: {tableSize: 101}}}",
        {"hash"},
    ),
    "localityLbSetting.enabled": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}, "
        "loadBalancer: {localityLbSetting: {enabled: false}}",
        {"outcome"},
    ),
    "localityLbSetting.distribute": (
        "connectionPool: {tcp: {maxConnections: 9}}",
        "connectionPool: {tcp: {maxConnections: 9}}, loadBalancer: {localityLbSetting: {enabled: true, "
        "distribute: [{from: '*', to: {'a/*': 60, 'b/*': 40}}]}}",
        {"outcome"},
    ),
    "localityLbSetting.failover": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}, "
        "loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}",
        {"outcome"},
    ),
    "localityLbSetting.failoverPriority": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s}, "
        "loadBalancer: {localityLbSetting: {failoverPriority: [version]}}",
        {"outcome"},
    ),
    "warmup": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 10s}}",
        {"warmup"},
    ),
    "tls": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, tls: {mode: DISABLE}",
        {"TLS between proxies"},
    ),
    "caCertificates": (
        "tls: {mode: SIMPLE, sni: web, caCertificates: /etc/a.pem}",
        "tls: {mode: SIMPLE, sni: web, caCertificates: /etc/b.pem}",
        {"TLS"},
    ),
    "tls simple": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, tls: {mode: SIMPLE}",
        {"TLS", "headers of the request"},
    ),
    "retryBudget": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, retryBudget: {percent: 10}",
        {"retryBudget.percent", "retryBudget.minRetryConcurrency"},
    ),
    "tunnel": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, tunnel: {targetHost: a.example, targetPort: 80}",
        {"not understood: DestinationRule"},
    ),
    "proxyProtocol": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, proxyProtocol: {version: V1}",
        {"not understood: DestinationRule"},
    ),
    "portLevelSettings": (
        "loadBalancer: {simple: ROUND_ROBIN}",
        "loadBalancer: {simple: ROUND_ROBIN}, portLevelSettings: [{port: {number: 80}, "
        "loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {tcp: {maxConnections: 1}}}]",
        {"connectionPool.maxConnections"},
    ),
    "warmup aggression": (
        "loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 10s}}",
        "loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 10s, aggression: 2}}",
        {"warmup"},
    ),
    "httpCookie.attributes": (
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 9s}}}",
        "loadBalancer: {consistentHash: {httpCookie: {name: a, ttl: 9s, attributes: [{name: SameSite, "
        "value: Strict}]}}}",
        {"hash"},
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_a_policy(name: str, told: Told) -> None:
    old, new, about = FIELDS[name]
    assert told(POLICY.replace("FIELD", old), POLICY.replace("FIELD", new)) == about


SAME = {
    "the default balancer": ("loadBalancer: {simple: UNSPECIFIED}", "loadBalancer: {simple: LEAST_REQUEST}"),
    "its former name": ("loadBalancer: {simple: LEAST_CONN}", "loadBalancer: {simple: LEAST_REQUEST}"),
    "the least ring of Envoy": (
        "loadBalancer: {consistentHash: {httpHeaderName: x-a}}",
        "loadBalancer: {consistentHash: {httpHeaderName: x-a, ringHash: {minimumRingSize: 1024}}}",
    ),
    "60 s and 1 min": (
        "outlierDetection: {consecutive5xxErrors: 3, interval: 60s}",
        "outlierDetection: {consecutive5xxErrors: 3, interval: 1m}",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_no_change(name: str, told: Told) -> None:
    old, new = (POLICY.replace("FIELD", one) for one in SAME[name])
    assert told(old, new) == set()
