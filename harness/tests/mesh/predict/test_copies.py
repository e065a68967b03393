"""Copies carry the traffic policy of the mirror that they go to."""

from __future__ import annotations

from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict


def test_a_copy_has_the_policy_of_its_own_subset(routed) -> None:
    http = """
- mirrors:
  - {destination: {host: greeter, subset: limited}}
  - {destination: {host: greeter, subset: v1}}
  route: [{destination: {host: greeter, subset: v1}}]
"""
    more = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: more}
spec:
  host: greeter
  subsets:
  - name: limited
    labels: {version: v2}
    trafficPolicy:
      connectionPool: {tcp: {maxConnections: 3}}
      outlierDetection: {consecutive5xxErrors: 2}
"""
    expected = predict(routed(http, more=more).mesh, parse("GET http://greeter:5000/hello"))
    limited, plain = expected.copies
    assert limited.policy.pool is not None
    assert limited.policy.pool.max_connections == 3
    assert limited.policy.ejection is not None
    assert limited.policy.ejection.consecutive_5xx_errors == 2
    assert (plain.policy.pool, plain.policy.ejection) == (None, None)
