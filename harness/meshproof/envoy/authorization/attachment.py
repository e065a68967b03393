"""Which policies istiod attaches to a proxy.

After istio/istio pilot/pkg/model/authorization.go (ListAuthorizationPolicies) and policyattachment.go
(ShouldAttachPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.envoy.node import Proxy
from meshproof.envoy.visibility import gateways
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import Action, AuthorizationPolicy, known_labels

GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"


def attached(mesh: Mesh, proxy: Proxy, action: Action) -> list[AuthorizationPolicy]:
    """Those of an action, the root namespace's first."""
    namespaces = dict.fromkeys((ROOT_NAMESPACE, proxy.namespace))
    return [one for namespace in namespaces for one in _in(mesh, namespace, proxy) if one.action is action]


def _in(mesh: Mesh, namespace: str, proxy: Proxy) -> Iterator[AuthorizationPolicy]:
    # Of pods that are not among the manifests a Gateway's selector tells some labels, and Istio's charts others.
    told = any(mesh.knows_pods_of(one) for one in gateways(mesh, proxy))
    labels = proxy.labels if told else known_labels(proxy.labels)
    for policy in mesh.authorization_policies:
        if policy.namespace == namespace and should_attach(policy, proxy, labels):
            yield policy


def should_attach(policy: AuthorizationPolicy, proxy: Proxy, labels: Labels) -> bool:
    """Whether a policy of the root namespace, or of the proxy's own, is for pods with these labels."""
    gateway = labels.get(GATEWAY_NAME_LABEL)
    if policy.targets is None:
        return policy.selector is None or policy.selector.items() <= labels.items()
    return gateway is not None and policy.namespace == proxy.namespace and gateway in policy.targets
