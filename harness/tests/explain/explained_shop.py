"""A rule with subsets and policies, and a route that leads to them."""

from __future__ import annotations

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: {simple: RANDOM}
    connectionPool: {tcp: {maxConnections: 7}}
    portLevelSettings:
    - port: {number: 9081}
      connectionPool: {tcp: {maxConnections: 8}}
  subsets:
  - name: v1
    labels: {version: v1}
    trafficPolicy:
      outlierDetection: {consecutive5xxErrors: 2}
      portLevelSettings:
      - port: {number: 9081}
        loadBalancer: {simple: ROUND_ROBIN}
---
"""


ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - timeout: 3s
    retries: {attempts: 1, perTryTimeout: 500ms, retryOn: 5xx}
    headers: {request: {set: {x-a: b}, remove: [x-c]}}
    rewrite: {uri: /z, authority: other}
    fault: {abort: {percentage: {value: 5}, httpStatus: 418}, delay: {percentage: {value: 10}, fixedDelay: 2s}}
    mirror: {host: reviews}
    route:
    - {destination: {host: reviews, subset: v1}, weight: 90}
    - {destination: {host: reviews, subset: v2}, weight: 10}
"""
