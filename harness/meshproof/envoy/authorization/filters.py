"""The RBAC filters of one listener.

After istio/istio pilot/pkg/security/authz/builder/builder.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from envoy.extensions.filters.http.rbac.v3 import rbac_pb2

from meshproof.envoy.authorization.attachment import attached
from meshproof.envoy.authorization.generate import NO_PERMISSION, NOBODY, Listening, rbac_policy
from meshproof.envoy.node import Proxy
from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import Action, AuthorizationPolicy

FILTER = "envoy.filters.http.rbac"
NEVER: Fields = {"permissions": [NO_PERMISSION], "principals": [NOBODY]}


def authorization_filters(mesh: Mesh, proxy: Proxy, port: int) -> list[Fields]:
    """What denies comes before what allows; a dry run is no rule of either."""
    own = listening_port(mesh, proxy, port)
    several = ((action, attached(mesh, proxy, action)) for action in (Action.DENY, Action.ALLOW))
    return [rbac_filter(action, found, own) for action, found in several if found]


def rbac_filter(action: Action, several: Sequence[AuthorizationPolicy], port: int) -> Fields:
    enforced = [one for one in several if not one.dry_run]
    policies = {name: made for one in enforced for name, made in _policies(one, port).items()}
    fields: Fields = {"rules": {"action": action.value, "policies": policies}} if enforced else {}
    return {"name": FILTER, "typed_config": packed(rbac_pb2.RBAC, fields)}


def _policies(policy: AuthorizationPolicy, port: int) -> dict[str, Fields]:
    listening = Listening(policy.namespace, port)
    made = [rbac_policy(rule, listening) for rule in policy.rules] or [NEVER]
    return {f"ns[{policy.namespace}]-policy[{policy.name}]-rule[{at}]": one for at, one in enumerate(made)}


def listening_port(mesh: Mesh, proxy: Proxy, port: int) -> int:
    """The port of a gateway's pods that its own Service leads to; the same number where it has none here."""
    for service, found in mesh.services_on(port):
        selected = service.selector and service.selector.items() <= proxy.labels.items()
        if service.namespace == proxy.namespace and selected:
            return found.target if isinstance(found.target, int) else _named(mesh, service, found.target) or port
    return port


def _named(mesh: Mesh, service: Service, name: str) -> int:
    several = [one.number for pod in mesh.behind(service) for one in pod.ports if one.name == name]
    return several[0] if several else 0
