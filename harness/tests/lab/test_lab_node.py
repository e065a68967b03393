"""kind's files are edited where a machine without CAP_SYS_RESOURCE, cgroup v2 and names from outside needs it."""

from airgap.node import containerd_config, containerd_unit, entrypoint


def test_containerd_takes_the_pause_image_that_is_there() -> None:
    text = '[a]\n  base_runtime_spec = "/etc/x.json"\n  sandbox_image = "registry.k8s.io/pause:3.10"\n  b = 1\n'
    assert containerd_config(text) == '[a]\n  sandbox_image = "registry.k8s.io/pause:3.10.1"\n  b = 1\n'


def test_limits_that_cannot_be_raised_are_removed() -> None:
    unit = (
        "Type=notify\nLimitNPROC=infinity\nLimitCORE=infinity\nTasksMax=infinity\nOOMScoreAdjust=-999\nRestart=always\n"
    )
    assert containerd_unit(unit) == "Type=notify\nTasksMax=infinity\nRestart=always\n"


def test_the_entrypoint_neither_binds_cgroups_nor_asks_for_names() -> None:
    text = (
        '  mount --bind "${subsystem}/${cgroup_root}" "${subsystem}/${cgroup_root}"\n'
        "  ip=$( (head -n1 <(timeout 5 getent ahostsv4 'host.docker.internal') | cut -d' ' -f1) || true)\n"
    )
    assert entrypoint(text) == "  ip=$( (head -n1 <(timeout 5 true) | cut -d' ' -f1) || true)\n"
