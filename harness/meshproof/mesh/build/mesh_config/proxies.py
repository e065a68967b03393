"""What `defaultConfig` says of every proxy: most of it is about how one runs, and some of it about requests."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Entering, Touches

PROXY = frozenset(
    {
        *("tracing", "concurrency", "holdApplicationUntilProxyStarts", "discoveryAddress", "drainDuration", "image"),
        *("parentShutdownDuration", "terminationDrainDuration", "statusPort", "proxyStatsMatcher", "readinessProbe"),
        *("controlPlaneAuthPolicy", "logAsJson", "serviceCluster", "proxyAdminPort", "configPath", "binaryPath"),
        *("envoyAccessLogService", "envoyMetricsService", "caCertificatesPem"),
    }
)
TOPOLOGY, METADATA, ADDRESSES = "gatewayTopology", "proxyMetadata", "ISTIO_META_DNS_AUTO_ALLOCATE"
# The environment of the agent: names that clients can resolve, certificates, probes, modules, and how a proxy ends
# (istio/istio pilot/cmd/pilot-agent/options, pkg/istio-agent, security/pkg/nodeagent).
ENVIRONMENT = frozenset(
    {
        *("ISTIO_META_DNS_CAPTURE", "ISTIO_META_PROXY_XDS_VIA_AGENT", "PROXY_XDS_VIA_AGENT", "PROXY_CONFIG_XDS_AGENT"),
        *("BOOTSTRAP_XDS_AGENT", "DNS_FORWARD_PARALLEL", "DNS_FORWARD_TIMEOUT", "DNS_PROXY_ADDR", "DNS_AGENT"),
        *("EXIT_ON_ZERO_ACTIVE_CONNECTIONS", "MINIMUM_DRAIN_DURATION", "TERMINATION_DRAIN_DURATION_SECONDS"),
        *("ENABLE_PROBE_KEEPALIVE_CONNECTIONS", "OUTPUT_CERTS", "PROV_CERT", "SECRET_TTL", "SECRET_GRACE_PERIOD_RATIO"),
        *("ECC_SIGNATURE_ALGORITHM", "ECC_CURVE", "WORKLOAD_RSA_KEY_SIZE", "ISTIO_META_CERT_SIGNER"),
        *("CA_ADDR", "CA_PROVIDER", "CA_ROOT_CA", "XDS_ROOT_CA"),
        *("WASM_INSECURE_REGISTRIES", "WASM_MODULE_EXPIRY", "WASM_PURGE_INTERVAL", "WASM_HTTP_REQUEST_TIMEOUT"),
        *("WASM_HTTP_REQUEST_MAX_RETRIES", "GODEBUG", "GOMAXPROCS", "GCP_METADATA", "CLOUD_PLATFORM"),
        *("ISTIO_PROMETHEUS_ANNOTATIONS", "ENVOY_SKIP_DEPRECATED_LOGS"),
    }
)
ON = ("true", "1")


def told(mesh: Mesh, value: Value, findings: Findings) -> None:
    """Say what of it is not modelled, and which requests that can touch."""
    for name in value.names():
        if name == TOPOLOGY:
            # Who the client of a gateway is: proxies within the mesh take it from their gateways.
            if entering := tuple(Entering(one.key) for one in mesh.gateways):
                findings.unmodelled(value, name, touches=entering)
        elif name == METADATA:
            _environment(mesh, value, findings)
        elif name not in PROXY:
            findings.unmodelled(value, name)


def _environment(mesh: Mesh, value: Value, findings: Findings) -> None:
    found = value.get(METADATA)
    for name, own in found.fields().items() if found else ():
        if name == ADDRESSES:
            if own.text_form.lower() in ON and (touched := (*_without_addresses(mesh),)):
                findings.unproved(own.key or own.location, f"{name} is not modelled", touches=touched)
        elif name not in ENVIRONMENT:
            findings.unproved(own.key or own.location, f"{METADATA} {name} is not modelled")


def _without_addresses(mesh: Mesh) -> Iterator[Touches]:
    """Connections to the hosts of ServiceEntries that have no address of their own: they would have one each."""
    for service in mesh.services:
        for port in service.ports if service.hostname and not service.addresses else ():
            if not port.is_http or port.sniffed:
                yield Called((service.host,), port.number)
