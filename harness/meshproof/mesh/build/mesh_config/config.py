"""What `meshConfig` says: the fields that decide requests are modelled, or told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from meshproof.errors import ManifestError
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.mesh_config import proxies
from meshproof.mesh.build.mesh_config.document import DISCOVERY, configuring, is_mesh_config, others, read, what
from meshproof.mesh.build.mesh_config.installed import with_gateways
from meshproof.mesh.build.resilience import retries
from meshproof.mesh.build.traffic_policy.locality import locality
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import MeshConfig, OutboundMode, PathNormalization
from meshproof.mesh.model.unmodelled import Asked, Called, Entering, Everything, Touches
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, VirtualService

EXPORT = ("defaultServiceExportTo", "defaultVirtualServiceExportTo", "defaultDestinationRuleExportTo")
MODELLED = frozenset(
    {
        "outboundTrafficPolicy",
        "defaultHttpRetryPolicy",
        "pathNormalization",
        "connectTimeout",
        "localityLbSetting",
        "h2UpgradePolicy",
        DISCOVERY,
        *EXPORT,
    }
)
# Logs, traces, statistics, certificates of the mesh, ports of the proxies themselves, Ingress, and how soon.
WITHOUT_PART = frozenset(
    {
        *("accessLogFile", "accessLogFormat", "accessLogEncoding", "enableTracing", "enableEnvoyAccessLogService"),
        *("disableEnvoyListenerLog", "extensionProviders", "defaultProviders", "enablePrometheusMerge", "ca"),
        *("trustDomain", "trustDomainAliases", "certificates", "caCertificates", "verifyCertificateAtClient"),
        *("enableAutoMtls", "meshMTLS", "ingressService", "ingressSelector", "ingressClass"),
        *("ingressControllerMode", "configSources", "dnsRefreshRate", "inboundClusterStatName"),
        *("outboundClusterStatName", "proxyHttpPort", "proxyListenPort", "proxyInboundListenPort"),
        *("protocolDetectionTimeout", "tcpKeepalive"),
    }
)
NOBODY, OWN, EVERYBODY = "~", ".", "*"
DEFAULT_NAMES = {"", "DEFAULT"}
UPGRADES = ("UPGRADE", "DO_NOT_UPGRADE")
EVERYTHING = (Everything(),)
Exported = TypeVar("Exported", Service, VirtualService)


def configured(mesh: Mesh, foreign: Sequence[Resource], findings: Findings) -> tuple[Mesh, list[Resource]]:
    """The mesh as its configuration has it, and the other resources; where several configure it, none is known to."""
    rest = [one for one in foreign if not is_mesh_config(one)]
    mesh = with_gateways(mesh, foreign, findings)
    telling = configuring(foreign)
    if not telling:
        return mesh, rest
    if len(telling) > 1:
        return mesh, [*rest, *telling]
    (resource,) = telling
    fields, error = read(resource)
    if error is not None:
        return mesh, [*foreign]
    with findings.about(resource, EVERYTHING):
        for value in others(resource):
            findings.unproved(value.key or value.location, f"{what(value)} is not modelled")
        if fields is not None:
            mesh = _applied(mesh, fields, findings)
    return mesh, rest


def exported_by_default(foreign: Sequence[Resource]) -> tuple[str, ...]:
    """To whom VirtualServices are exported that do not say; none where that is not known, or all."""
    telling = configuring(foreign)
    fields, _ = read(telling[0]) if len(telling) == 1 else (None, None)
    try:
        return tuple(one.text() for one in fields.list(EXPORT[1])) if fields else ()
    except ManifestError:
        return ()


def _applied(mesh: Mesh, fields: Value, findings: Findings) -> Mesh:
    for name, value in fields.fields().items():
        if name in MODELLED or name in WITHOUT_PART or value.data is None:
            continue
        if name == "rootNamespace" and value.data == ROOT_NAMESPACE:
            continue
        if name == "defaultConfig":
            proxies.told(mesh, value, findings)
            continue
        touches = tuple(_encrypted(mesh)) if name == "tlsDefaults" else EVERYTHING
        if touches:
            findings.unmodelled(fields, name, touches=touches)
    own, timeout = fields.get("defaultHttpRetryPolicy"), fields.get("connectTimeout")
    config = MeshConfig(
        _normalization(fields.get("pathNormalization"), findings),
        retries(own) if own else None,
        _outbound(fields.get("outboundTrafficPolicy"), findings),
        json.dumps(plain(fields)),
        timeout.duration() if timeout else None,
        locality(fields),
        _upgraded(fields.get("h2UpgradePolicy")),
        fields.location,
    )
    services, routing, rules = ([one.text() for one in fields.list(name)] for name in EXPORT)
    if NOBODY in services:
        # Not even what any installation has is there then.
        findings.unproved(fields.location, f"{EXPORT[0]} {NOBODY} is not modelled")
    elif services and EVERYBODY not in services and (routed := mesh.bound_to(MESH_GATEWAY)):
        # Those of Istio's own namespace are hidden then, too, by which a client listens on port 80.
        hosts = tuple(dict.fromkeys(host for one in routed for host in one.hosts))
        why = f"{EXPORT[0]} {', '.join(services)}: whether a client knows a Service with port 80 is not modelled"
        findings.unproved(fields.location, why, touches=(Asked(hosts, (MESH_GATEWAY,)),))
    mesh = replace(
        mesh,
        services=_exported(mesh.services, services),
        aliases=_exported(mesh.aliases, services),
        virtual_services=_exported(mesh.virtual_services, routing),
        # Of these the default counts for nothing but whether they are for their own namespace alone.
        destination_rules=tuple(map(_kept, mesh.destination_rules)) if OWN in rules else mesh.destination_rules,
    )
    if config.retries is not None:
        several = tuple(replace(one, http=tuple(_retried(one.http, config))) for one in mesh.virtual_services)
        mesh = replace(mesh, virtual_services=several)
    return replace(mesh, config=config)


def _encrypted(mesh: Mesh) -> Iterator[Touches]:
    """The requests that end, or begin, in TLS at a proxy that this mesh configures."""
    for gateway in mesh.gateways:
        yield from (Entering(gateway.key, one.port) for one in gateway.servers if one.ends_tls)
    for rule in mesh.destination_rules:
        policies = (rule.policy, *(one.policy for one in rule.subsets))
        if any(one.tls for whole in policies for one in (whole, *whole.ports.values())):
            yield Called((rule.host,))


def _normalization(value: Value | None, findings: Findings) -> PathNormalization:
    said = value.get("normalization") if value else None
    if said is None or said.text() in DEFAULT_NAMES:
        return PathNormalization.BASE
    if said.text() in [one.value for one in PathNormalization]:
        return PathNormalization(said.text())
    findings.unproved(said.location, f"pathNormalization {said.text()} is not modelled")
    return PathNormalization.BASE


def _upgraded(value: Value | None) -> bool:
    if value is None or value.data is None:
        return False
    if value.data not in UPGRADES:
        raise value.problem(f"h2UpgradePolicy must be {' or '.join(UPGRADES)}, not {value.shown}")
    return value.data == UPGRADES[0]


def _outbound(value: Value | None, findings: Findings) -> OutboundMode | None:
    said = value.get("mode") if value else None
    if said is None:
        return None
    if said.text() in [one.value for one in OutboundMode]:
        return OutboundMode(said.text())
    findings.unproved(said.location, f"outboundTrafficPolicy {said.text()} is not modelled")
    return None


def _exported(several: tuple[Exported, ...], entries: Sequence[str]) -> tuple[Exported, ...]:
    """Objects that do not say to whom they are exported get the default."""
    if not entries:
        return several
    return tuple(one if one.export_to else replace(one, export_to=tuple(entries)) for one in several)


def _kept(rule: DestinationRule) -> DestinationRule:
    return rule if rule.export_to else replace(rule, export_to=(OWN,), kept_by_default=rule.selector is None)


def _retried(several: Iterable[HttpRoute], config: MeshConfig) -> Iterable[HttpRoute]:
    """Routes to destinations that say nothing of retries get the default."""
    return (
        replace(one, retries=config.retries) if one.destinations and one.retries is None else one for one in several
    )
