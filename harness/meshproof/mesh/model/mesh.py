"""The whole mesh, and the indexes by which its objects are found.

Every index is built once, when it is first asked for; nothing that looks up an object searches all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from meshproof.errors import Location
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import Hosts, by_hosts, grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Secret, Service, ServicePort, Workload
from meshproof.mesh.model.mesh_config import DEFAULT, MeshConfig
from meshproof.mesh.model.traffic_policy.locality import Places
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.mesh.model.security.authorization import AuthorizationPolicy
    from meshproof.mesh.model.security.peer_authentication import PeerAuthentication
    from meshproof.mesh.model.sidecar import Sidecar

Made = TypeVar("Made")


@dataclass(frozen=True)
class Mesh:
    """Everything that decides where a request goes. Order is that of the manifests.

    With `installed` clients know what any installation of Istio has beside it: a Service on port 80 in its namespace.
    """

    services: tuple[Service, ...] = ()
    workloads: tuple[Workload, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rules: tuple[DestinationRule, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    secrets: tuple[Secret, ...] = ()
    authorization_policies: tuple[AuthorizationPolicy, ...] = ()
    sidecars: tuple[Sidecar, ...] = ()
    config: MeshConfig = DEFAULT
    unmodelled: tuple[Unmodelled, ...] = ()
    aliases: tuple[Service, ...] = ()
    places: Places = field(default_factory=Places)
    peer_authentications: tuple[PeerAuthentication, ...] = ()
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    injected: Mapping[str, Location] = field(default_factory=dict)
    installed: bool = True

    def service(self, host: str) -> Service | None:
        """The Service of that fully qualified host; of several one of Kubernetes, then the first ServiceEntry."""
        return self._service_by_host.get(host)

    def services_of(self, host: str) -> tuple[Service, ...]:
        """All of that fully qualified host: a ServiceEntry of another namespace may have that of a Service, too."""
        return self._services_by_host.get(host, ())

    def alias(self, host: str) -> Service | None:
        """The ExternalName Service of that fully qualified host."""
        return self._aliases[0].get(host)

    def stands_for(self, alias: str) -> str:
        """The host that an ExternalName Service comes to, by way of others too; empty where they lead in a circle."""
        return self._aliases[1].get(alias, "")

    def aliases_for(self, host: str) -> tuple[Service, ...]:
        """The ExternalName Services that come to a host."""
        return self._aliases[2].get(host, ())

    def entered_as(self, key: str) -> tuple[str, ...]:
        """The hosts of the ServiceEntry that is called `namespace/name`."""
        return self._hosts_by_entry.get(key, ())

    def patterns_for(self, name: str) -> tuple[str, ...]:
        """The hosts of ServiceEntries that are patterns (`*.example.com`) and cover a name, the narrowest first."""
        known = self._patterns
        ends = (f"*{name[at:]}" for at in range(len(name) + 1)) if known else ()
        return tuple(one for one in ends if one in known)

    def knows(self, host: str) -> bool:
        """Whether something that clients can call has that fully qualified host."""
        return host in self._service_by_host

    def services_called(self, name: str) -> tuple[Service, ...]:
        """The Services whose own name, without a namespace, is this."""
        return self._services_by_name.get(name, ())

    def services_at(self, address: str) -> tuple[Service, ...]:
        """The Services that clients call by an address, too."""
        return self._services_by_address.get(address, ())

    def services_on(self, port: int) -> tuple[tuple[Service, ServicePort], ...]:
        """The Services that have a port of that number, with it."""
        return self._services_by_port.get(port, ())

    @cached_property
    def port_numbers(self) -> tuple[int, ...]:
        """The port numbers of all Services, each once."""
        return tuple(self._services_by_port)

    def selected(self, host: str) -> tuple[Workload, ...]:
        """The workloads behind the Service of a host."""
        service = self.service(host)
        return self.behind(service) if service else ()

    def behind(self, service: Service) -> tuple[Workload, ...]:
        """The workloads that a Service selects, and the endpoints of ServiceEntries that it has besides."""
        key = service.namespace, service.host
        found = self._selected.get(key)
        if found is None:
            chosen = self._matching(service) if service.selector else ()
            found = self._selected[key] = (
                *chosen,
                *(one for key in service.endpoints for one in self.endpoints_of(key)),
            )
        return found

    def endpoints_of(self, key: str) -> tuple[Workload, ...]:
        """What stands for the endpoints of a ServiceEntry."""
        return self._endpoints.get(key, ())

    def workloads_with(self, namespace: str, label: str, value: str) -> tuple[Workload, ...]:
        """The workloads of a namespace whose pods carry a label; endpoints of ServiceEntries are none."""
        return self._workloads_by_label.get((namespace, label, value), ())

    def workload(self, key: str) -> Workload | None:
        """The workload that is called `namespace/name`."""
        return self._workload_by_key.get(key)

    def gateway(self, key: str) -> Gateway | None:
        """The Gateway that is called `namespace/name`, or one of its listeners as `namespace/name/listener`."""
        return self._gateway_by_key.get(key)

    def serving(self, gateway: Gateway) -> tuple[Workload, ...]:
        """The workloads, of whatever namespace, whose pods serve a Gateway."""
        wanted = gateway.selector.items()
        if not wanted:
            return ()
        rarest = min((self._workloads_labelled.get(pair, ()) for pair in wanted), key=len)
        return tuple(one for one in rarest if wanted <= one.labels.items())

    def pods_of(self, gateway: Gateway) -> tuple[str, Labels]:
        """The namespace and the labels of the pods that serve a Gateway.

        Where they are not among the manifests, or stand in several namespaces: Istio's own namespace, and the
        labels that the Gateway selects.
        """
        if gateway.listener:
            return (gateway.owner or gateway.called).partition("/")[0], gateway.selector
        found = self.serving(gateway)
        if len({one.namespace for one in found}) != 1:
            return ROOT_NAMESPACE, gateway.selector
        first, *others = (set(one.labels.items()) for one in found)
        return found[0].namespace, dict(first.intersection(*others))

    def knows_pods_of(self, gateway: Gateway) -> bool:
        """Whether the pods that serve a Gateway are known, with all of their labels."""
        return bool(gateway.listener) or len({one.namespace for one in self.serving(gateway)}) == 1

    def once(self, key: tuple[Hashable, ...], make: Callable[[], Made]) -> Made:
        """What a reader derives from this mesh, made when it is first asked for by that key."""
        known = self._made
        if key not in known:
            known[key] = make()
        made: Made = known[key]
        return made

    def secrets_called(self, name: str) -> tuple[Secret, ...]:
        """The Secrets of that name in all namespaces."""
        return self._secrets_by_name.get(name, ())

    def bound_to(self, gateway: str) -> tuple[VirtualService, ...]:
        """The VirtualServices of a gateway (`mesh`, or `namespace/name`)."""
        return self._virtual_services_by_gateway.get(gateway, ())

    def naming(self, gateway: str) -> Hosts:
        """Positions in `bound_to(gateway)` by the hosts that the VirtualServices name."""
        found = self._hosts_by_gateway.get(gateway)
        if found is None:
            found = by_hosts([one.hosts for one in self.bound_to(gateway)])
            self._hosts_by_gateway[gateway] = found
        return found

    def rules_in(self, namespace: str, host: str) -> tuple[DestinationRule, ...]:
        """The DestinationRules of a namespace that name a host, or a pattern that it ends as."""
        found = self._rules_by_namespace.get(namespace)
        if found is None:
            return ()
        rules, hosts = found
        return tuple(rules[at] for at in hosts.candidates(host))

    @cached_property
    def _service_by_host(self) -> dict[str, Service]:
        return {host: several[0] for host, several in self._services_by_host.items()}

    @cached_property
    def _services_by_host(self) -> dict[str, tuple[Service, ...]]:
        return grouped((one.host, one) for one in sorted(self.services, key=lambda one: one.hostname != ""))

    @cached_property
    def _patterns(self) -> frozenset[str]:
        return frozenset(one.host for one in self.services if one.host.startswith("*"))

    @cached_property
    def _aliases(self) -> tuple[dict[str, Service], dict[str, str], dict[str, tuple[Service, ...]]]:
        called = {one.host: one for one in self.aliases}
        ends: dict[str, str] = {}
        for start in called:
            path: dict[str, None] = {}
            host = start
            while host in called and host not in ends and host not in path:
                path[host] = None
                host = called[host].alias_of
            end = "" if host in path else ends.get(host, host)
            ends.update(dict.fromkeys(path, end))
        return called, ends, grouped((ends[one.host], one) for one in self.aliases)

    @cached_property
    def _hosts_by_entry(self) -> dict[str, tuple[str, ...]]:
        return grouped((key.partition(" ")[0], one.host) for one in self.services for key in one.endpoints)

    @cached_property
    def _endpoints(self) -> dict[str, tuple[Workload, ...]]:
        return grouped((one.endpoint_of, one) for one in self.workloads if one.endpoint_of)

    @cached_property
    def _services_by_name(self) -> dict[str, tuple[Service, ...]]:
        return grouped((one.name, one) for one in self.services)

    @cached_property
    def _services_by_address(self) -> dict[str, tuple[Service, ...]]:
        return grouped((each, one) for one in self.services for each in one.own_addresses)

    @cached_property
    def _services_by_port(self) -> dict[int, tuple[tuple[Service, ServicePort], ...]]:
        return grouped((port.number, (one, port)) for one in self.services for port in one.ports)

    @cached_property
    def _selected(self) -> dict[tuple[str, str], tuple[Workload, ...]]:
        return {}

    def _matching(self, service: Service) -> tuple[Workload, ...]:
        wanted = service.selector.items()
        rarest = min((self.workloads_with(service.namespace, *pair) for pair in wanted), key=len)
        return tuple(one for one in rarest if wanted <= one.labels.items())

    @cached_property
    def _workloads_by_label(self) -> dict[tuple[str, str, str], tuple[Workload, ...]]:
        selectable = (one for one in self.workloads if not one.endpoint_of)
        return grouped(((one.namespace, *pair), one) for one in selectable for pair in one.labels.items())

    @cached_property
    def _workloads_labelled(self) -> dict[tuple[str, str], tuple[Workload, ...]]:
        selectable = (one for one in self.workloads if not one.endpoint_of)
        return grouped((pair, one) for one in selectable for pair in one.labels.items())

    @cached_property
    def _made(self) -> dict[tuple[Hashable, ...], Any]:
        return {}

    @cached_property
    def _workload_by_key(self) -> dict[str, Workload]:
        return {one.key: one for one in reversed(self.workloads)}

    @cached_property
    def _gateway_by_key(self) -> dict[str, Gateway]:
        called = {one.called: one for one in reversed(self.gateways)}
        return {**called, **{one.key: one for one in reversed(self.gateways)}}

    @cached_property
    def _secrets_by_name(self) -> dict[str, tuple[Secret, ...]]:
        return grouped((one.name, one) for one in self.secrets)

    @cached_property
    def _virtual_services_by_gateway(self) -> dict[str, tuple[VirtualService, ...]]:
        return grouped((key, one) for one in self.virtual_services for key in dict.fromkeys(one.gateways))

    @cached_property
    def _hosts_by_gateway(self) -> dict[str, Hosts]:
        return {}

    @cached_property
    def _rules_by_namespace(self) -> dict[str, tuple[tuple[DestinationRule, ...], Hosts]]:
        several = grouped((one.namespace, one) for one in self.destination_rules)
        return {namespace: (rules, by_hosts([(one.host,) for one in rules])) for namespace, rules in several.items()}
