"""Every wait of the harness, in seconds, in one place."""

from __future__ import annotations

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Upper bounds in seconds; each is named in the error that its end raises."""

    envoy_ready: float = 30.0
    config_acknowledged: float = 20.0
    workload_ready: float = 30.0
    workload_answer: float = 15.0
    workload_attached: float = 30.0
    pods_watched: float = 5.0
    container_engine: float = 30.0
    image_built: float = 900.0
    image_loaded: float = 300.0
    kind_answer: float = 60.0
    kind_created: float = 420.0
    kind_deleted: float = 120.0
    state_saved: float = 120.0
    locust_ready: float = 30.0
    locust_silent: float = 20.0
    locust_users: float = 20.0
    process_exit: float = 3.0
    admin_answer: float = 15.0
    at_rest: float = 20.0
    barrier: float = 10.0
    kube_answer: float = 10.0
    kube_command: float = 30.0
    kube_forward: float = 15.0
    kube_forward_quiet: float = 1.0
    kube_forward_closed: float = 2.0
    kube_access: float = 20.0
    kube_gone: float = 120.0
    kube_ready: float = 180.0
    gateways_free: float = 1800.0
    ssh_connected: float = 20.0
    ssh_again: float = 20.0
    # A host that answers nothing for so long is lost; one that has too much to do answers late.
    ssh_silent: float = 15.0
    ssh_command: float = 60.0
    ssh_closed: float = 3.0
    ipvs_balanced: float = 120.0
    bundle_answer: float = 30.0
    registry_answer: float = 15.0
    image_push: float = 1800.0
    remote_file: float = 60.0
    remote_upload: float = 3600.0
    package_install: float = 1800.0
    boot_loader_config: float = 600.0
    host_reboot: float = 900.0
    istioctl_answer: float = 30.0
    istio_precheck: float = 60.0
    istio_install: float = 420.0
    istio_ready: float = 300.0
    istio_uninstall: float = 180.0
    istio_injected: float = 60.0
    istio_converged: float = 60.0
    istio_inspected: float = 120.0
    istiod_built: float = 3600.0
    istiod_answer: float = 60.0

    @property
    def kind_filled(self) -> float:
        """What whoever makes a kind cluster may take until others can use it: also removing what was there before."""
        cluster = self.kind_deleted + 2 * self.kind_created + 4 * self.container_engine + 3 * self.kind_answer
        istio = self.istio_precheck + self.istio_install + self.istio_ready + self.istio_uninstall
        return cluster + istio + self.image_built + self.image_loaded
