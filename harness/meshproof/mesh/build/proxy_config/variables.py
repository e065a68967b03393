"""Variables of the agent beside a proxy: most are about how it runs, and one about where clients connect to."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Touches

# Hosts of ServiceEntries without addresses have some for proxies that answer DNS; since 1.25 the other variable, by
# which istiod was asked to make them, changes nothing (pilot/pkg/model/service.go, nodeUsesAutoallocatedIPs).
CAPTURE, ALLOCATE = "ISTIO_META_DNS_CAPTURE", "ISTIO_META_DNS_AUTO_ALLOCATE"
# The environment of the agent: names that clients can resolve, certificates, probes, modules, and how a proxy ends
# (istio/istio pilot/cmd/pilot-agent/options, pkg/istio-agent, security/pkg/nodeagent).
ENVIRONMENT = frozenset(
    {
        *(ALLOCATE, "ISTIO_META_PROXY_XDS_VIA_AGENT", "PROXY_XDS_VIA_AGENT", "PROXY_CONFIG_XDS_AGENT"),
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


def touched(mesh: Mesh, name: str, value: Value) -> tuple[Touches, ...] | None:
    """The requests that a variable can touch; None where that is not known."""
    if name == CAPTURE:
        return (*_without_addresses(mesh),) if value.text_form.lower() in ON else ()
    return () if name in ENVIRONMENT else None


def by_variables(proxy_config: Resource, mesh: Mesh) -> tuple[Touches, ...] | None:
    """The requests that those of a ProxyConfig can touch; None where that is not known."""
    found = proxy_config.body.need("spec").get("environmentVariables")
    several = [touched(mesh, name, value) for name, value in (found.fields() if found else {}).items()]
    return None if None in several else tuple(one for each in several for one in each or ())


def _without_addresses(mesh: Mesh) -> Iterator[Touches]:
    """Connections to the hosts of ServiceEntries that have no address of their own: they would have one each."""
    for service in mesh.services:
        given = service.addresses or service.called_address
        for port in service.ports if service.hostname and not given else ():
            if not port.is_http or port.sniffed:
                yield Called((service.host,), port.number)
