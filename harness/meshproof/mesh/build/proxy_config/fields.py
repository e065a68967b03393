"""The fields of a proxy's configuration that are about how it runs alone.

Source: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig.
"""

from __future__ import annotations

PROXY = frozenset(
    {
        *("tracing", "concurrency", "holdApplicationUntilProxyStarts", "discoveryAddress", "drainDuration", "image"),
        *("parentShutdownDuration", "terminationDrainDuration", "statusPort", "proxyStatsMatcher", "readinessProbe"),
        *("controlPlaneAuthPolicy", "logAsJson", "serviceCluster", "proxyAdminPort", "configPath", "binaryPath"),
        *("envoyAccessLogService", "envoyMetricsService", "caCertificatesPem"),
    }
)
TOPOLOGY, METADATA = "gatewayTopology", "proxyMetadata"
