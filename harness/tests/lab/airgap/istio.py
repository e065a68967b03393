"""Istio on the cluster: images of the local hub, and only filters that stock Envoy has."""

from __future__ import annotations

from pathlib import Path

from airgap import cluster, images, programs
from airgap.command import output, run
from airgap.step import Lab, timed

INSTALL_SECONDS = 600.0
# The Gateway API's own kinds, as Istio's tests have them: istioctl does not install them.
KINDS = "tests/integration/pilot/testdata/gateway-api-crd.yaml"
# Stock Envoy has no filter istio.alpn, no istio.metadata_exchange, no istio.stats.
SETTINGS = (
    f"tag={programs.ISTIO_TAG}",
    "values.global.imagePullPolicy=IfNotPresent",
    "values.pilot.env.PILOT_ENABLE_ALPN_FILTER=false",
    "values.pilot.env.PILOT_ENABLE_METADATA_EXCHANGE=false",
    "values.telemetry.enabled=false",
)


def there(lab: Lab) -> bool:
    """Whether the cluster has a control plane."""
    listed: list[str | Path] = [programs.kubernetes["kubectl"].path(lab), "--context", cluster.CONTEXT]
    listed += ["get", "deployments", "--namespace", "istio-system", "--output", "name"]
    return "deployment.apps/istiod" in output(listed, seconds=60, env=cluster.environment(lab)).split()


def up(lab: Lab) -> None:
    """Install it unless its control plane is there."""
    programs.istioctl.ensure(lab)
    env = cluster.environment(lab)
    if there(lab):
        return
    argv: list[str | Path] = [
        programs.istioctl.path(lab),
        "install",
        "--context",
        cluster.CONTEXT,
        "--skip-confirmation",
    ]
    for setting in ("profile=demo", f"hub={images.HUB}", *SETTINGS):
        argv += ["--set", setting]
    kinds: list[str | Path] = [programs.kubernetes["kubectl"].path(lab), "--context", cluster.CONTEXT]
    kinds += ["apply", "--server-side", "-f", programs.module_folder("istio.io/istio", programs.ISTIO) / KINDS]
    with timed(lab, "install Istio"):
        run(kinds, log=lab.log("istioctl"), seconds=INSTALL_SECONDS, env=env, nice=False)
        run(argv, log=lab.log("istioctl"), seconds=INSTALL_SECONDS, env=env, nice=False)
