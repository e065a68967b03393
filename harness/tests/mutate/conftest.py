"""Manifests that every operator finds something in."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from meshproof.manifest import Resource, load

EVERYTHING = """\
apiVersion: v1
kind: Service
metadata: {name: shop, annotations: {networking.istio.io/exportTo: "."}}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 8000, targetPort: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-v1}
spec:
  selector: {matchLabels: {app: shop, version: v1}}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: c, image: httpbin, ports: [{containerPort: 80}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-v2}
spec:
  selector: {matchLabels: {app: shop, version: v2}}
  template:
    metadata: {labels: {app: shop, version: v2}}
    spec: {containers: [{name: c, image: httpbin, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: one}
stringData: {tls.crt: a, tls.key: b}
---
apiVersion: v1
kind: Secret
metadata: {name: other}
stringData: {tls.crt: a, tls.key: b}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  exportTo: [., other]
  trafficPolicy:
    connectionPool:
      tcp: {maxConnections: 2, connectTimeout: 1s}
      http: {http1MaxPendingRequests: 3, maxRetries: 1, idleTimeout: 3s}
    outlierDetection:
      consecutive5xxErrors: 3
      interval: 1s
      baseEjectionTime: 2s
      maxEjectionPercent: 100
      splitExternalLocalOriginErrors: true
    loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 300s}}}
    retryBudget: {percent: 30, minRetryConcurrency: 4}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {selector: {app: shop}, ports: [{name: grpc, port: 9000, targetPort: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: greeter}
spec:
  host: greeter
  trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}, loadBalancer: {simple: RANDOM}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: places}
spec:
  host: places.example.com
  trafficPolicy:
    tls: {mode: SIMPLE, sni: eu.places.example.com, subjectAltNames: [places.example.com]}
    loadBalancer:
      warmup: {duration: 5s, minimumPercent: 40, aggression: 2}
      localityLbSetting: {distribute: [{from: a, to: {a: 80, b: 20}}]}
  subsets:
  - {name: a, trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example.com, www.example.com]
    tls: {mode: MUTUAL, credentialName: one, minProtocolVersion: TLSV1_3}
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*.example.com"]
    tls: {httpsRedirect: true}
  - port: {number: 9443, name: tls, protocol: TLS}
    hosts: ["*.example.com"]
    tls: {mode: PASSTHROUGH}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop, shop.example.com]
  gateways: [mesh, edge]
  http:
  - match:
    - uri: {prefix: /cart}
      ignoreUriCase: true
      method: {exact: GET}
      headers: {user: {exact: jason}}
      sourceLabels: {app: front}
    - queryParams: {beta: {regex: "t.*"}}
    fault:
      abort: {httpStatus: 503, percentage: {value: 10}}
      delay: {fixedDelay: 1s, percentage: {value: 20}}
    timeout: 2s
    retries: {attempts: 2, perTryTimeout: 500ms, retryOn: "5xx,reset"}
    rewrite: {uri: /basket, authority: basket}
    headers:
      request: {set: {a: b}, remove: [c]}
      response: {add: {d: e}}
    corsPolicy:
      allowOrigins: [{exact: "http://a.example"}, {exact: "http://b.example"}]
      allowMethods: [GET, POST]
      maxAge: 1m
      allowCredentials: true
    route:
    - destination: {host: shop, subset: v1}
      weight: 90
    - destination: {host: shop, subset: v2}
      weight: 10
    mirror: {host: shop, subset: v2}
    mirrorPercentage: {value: 50}
  - match: [{uri: {exact: /old}}]
    redirect: {uri: /new, scheme: https, redirectCode: 302}
  - match: [{uri: {exact: /teapot}}]
    directResponse: {status: 418, body: {string: short and stout}}
  - match: [{uri: {prefix: /re}}]
    rewrite: {uriRegexRewrite: {match: "^/re/(.*)$", rewrite: "/\\\\1"}}
    route: [{destination: {host: shop, subset: v1}}]
  - route: [{destination: {host: shop, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: www}
spec:
  hosts: ["*.example.com"]
  gateways: [edge]
  exportTo: [., other]
  http:
  - match: [{uri: {prefix: /details}}]
    delegate: {name: details}
  - route: [{destination: {host: shop}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: connections}
spec:
  hosts: [shop]
  tcp:
  - match: [{port: 9000}]
    route: [{destination: {host: shop}}]
  - route: [{destination: {host: shop, subset: v1}, weight: 80}, {destination: {host: shop, subset: v2}, weight: 20}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: names}
spec:
  hosts: ["*.example.com"]
  gateways: [edge]
  tls:
  - match: [{port: 9443, sniHosts: [a.example.com, b.example.com]}]
    route: [{destination: {host: shop, subset: v1}, weight: 80}, {destination: {host: shop, subset: v2}, weight: 20}]
  - match: [{sniHosts: [c.example.com]}]
    route: [{destination: {host: shop, subset: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: details}
spec:
  http: [{route: [{destination: {host: shop, subset: v1}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: more-details}
spec:
  http: [{route: [{destination: {host: shop, subset: v2}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: shop.default.svc.cluster.local, ports: [{name: http, port: 8000}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: limits}
spec:
  workloadSelector: {labels: {app: shop}}
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
  egress: [{hosts: [./*, other/*]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside}
spec:
  hosts: [outside.example.com, more.example.com]
  exportTo: [., other]
  ports:
  - {number: 80, name: http, protocol: HTTP}
  - {number: 81, name: more, protocol: HTTP}
  location: MESH_EXTERNAL
  resolution: STATIC
  endpoints:
  - {address: 192.0.2.1, labels: {version: v1}, ports: {http: 8080}}
  - {address: 192.0.2.2, weight: 2}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: selecting}
spec:
  hosts: [selecting.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  workloadSelector: {labels: {app: shop}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: routes}
spec:
  parentRefs:
  - {group: "", kind: Service, name: shop, port: 8000}
  - {group: "", kind: Service, name: shop, port: 8001}
  hostnames: [shop.example.com, www.example.com]
  rules:
  - matches:
    - path: {type: PathPrefix, value: /a/b}
      headers: [{name: user, value: jason}]
      method: GET
    - path: {type: Exact, value: /c}
      queryParams: [{type: RegularExpression, name: q, value: "a+"}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: a, value: b}], remove: [c]}
    - type: URLRewrite
      urlRewrite: {hostname: other.example.com, path: {type: ReplaceFullPath, replaceFullPath: /d}}
    - type: RequestMirror
      requestMirror: {backendRef: {name: shop, port: 8000}, percent: 40}
    - type: CORS
      cors: {allowOrigins: ["http://a.example", "http://b.example"]}
    backendRefs:
    - {name: shop, port: 8000, weight: 3}
    - {name: shop, port: 8000}
    timeouts: {request: 2s, backendRequest: 1s}
    retry: {attempts: 2, codes: [500, 503]}
  - matches: [{path: {value: /old}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, hostname: new.example.com, statusCode: 302}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: rpc}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  hostnames: [shop.example.com]
  rules:
  - matches: [{method: {service: pkg.Svc, method: Get}}]
    backendRefs: [{name: shop, port: 8000, weight: 3}, {name: shop, port: 8000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: db}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  rules: [{backendRefs: [{name: shop, port: 8000, weight: 3}, {name: shop, port: 8000}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: secured}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  hostnames: [shop.default.svc.cluster.local]
  rules: [{backendRefs: [{name: shop, port: 8000, weight: 3}, {name: shop, port: 8000}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public}
spec:
  gatewayClassName: istio
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: one, port: 80, protocol: HTTP, hostname: a.example.com}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: entering}
spec:
  parentRefs: [{name: public, sectionName: one}]
  rules: [{backendRefs: [{name: shop, port: 8000}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: granted}
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: third}
  to: [{group: "", kind: Service, name: shop}, {group: "", kind: Service, name: web}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: sealed}
spec:
  targetRefs: [{group: "", kind: Service, name: shop, sectionName: http}]
  validation:
    hostname: shop.example.com
    caCertificateRefs: [{group: "", kind: ConfigMap, name: authority}]
    subjectAltNames: [{type: Hostname, hostname: shop.example.com}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: open, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  rules:
  - to:
    - operation: {paths: [/open, /more*], methods: [GET, HEAD], notHosts: [shut.example.com]}
    when: [{key: "request.headers[x-token]", values: [one, two]}, {key: "request.headers[x-b]", notValues: [b]}]
  - to: [{operation: {notPaths: [/shut*]}}]
"""


@pytest.fixture(scope="session")
def everything() -> Sequence[Resource]:
    found = load(["-"], stdin=io.StringIO(EVERYTHING), strict=False)
    assert not found.refusals
    return (*found.resources, *found.foreign)


@pytest.fixture(scope="session")
def rules() -> Callable[[str], Sequence[Resource]]:
    """The same mesh with these routes instead."""

    def make(http: str) -> Sequence[Resource]:
        head = EVERYTHING[: EVERYTHING.index("kind: VirtualService")]
        text = f"{head}kind: VirtualService\nmetadata: {{name: shop}}\nspec:\n  hosts: [shop]\n  http:\n{http}"
        return load(["-"], stdin=io.StringIO(text)).resources

    return make
