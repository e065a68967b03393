"""The lab's commands."""

from __future__ import annotations

import click
from airgap import cluster, debian, engine, hosts, images, node, product, programs, prove, record
from airgap import istio as installation
from airgap.step import Lab, Step

WHOLE = (
    *programs.ALL,
    debian.pod_root,
    debian.node_root,
    *images.NODE_IMAGES,
    *images.ISTIO_IMAGES,
    node.node,
    product.python,
)
STEPS: dict[str, Step] = {step.name: step for step in WHOLE}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """A real cluster with real Istio on this machine, made of what package registries have.

    Nothing is pulled from a container registry. What was made is kept under XDG_CACHE_HOME/meshproof/lab.
    """
    context.obj = Lab.default()


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(STEPS)), metavar="[STEP]...")
@click.pass_obj
def build(lab: Lab, names: tuple[str, ...]) -> None:
    """Make programs and images that are not there yet, and print where they are."""
    for name in names or STEPS:
        click.echo(STEPS[name].ensure(lab))


@main.command()
@click.pass_obj
def status(lab: Lab) -> None:
    """Print what is there, what runs, and what is still to be made."""
    for name, step in STEPS.items():
        path = step.path(lab)
        size = f"{path.stat().st_size / 1e6:8.1f} MB" if path.exists() else "   to make"
        click.echo(f"{name:30} {size}")
    number = engine.pid(lab)
    click.echo(f"{'Docker engine':30} {'not running' if number is None else f'process {number}'}")


@main.command()
@click.option("--kube-proxy-mode", type=click.Choice(["iptables", "nftables"]), default="iptables", show_default=True)
@click.option("--nodes", type=click.IntRange(min=0), default=0, show_default=True, help="Nodes beside the first.")
@click.option("--istio/--no-istio", default=True, show_default=True, help="Install Istio on the cluster.")
@click.pass_obj
def up(lab: Lab, kube_proxy_mode: str, nodes: int, istio: bool) -> None:
    """Bring up engine, cluster and Istio; what runs already is left as it is."""
    engine.up(lab)
    cluster.up(lab, kube_proxy_mode, nodes)
    if istio:
        installation.up(lab)
    click.echo(f"export KUBECONFIG={cluster.kubeconfig(lab)}")


@main.command()
@click.pass_obj
def down(lab: Lab) -> None:
    """End the cluster and the engine, and put the machine's network back; what was made is kept."""
    cluster.down(lab)
    engine.down(lab)


@main.command()
@click.pass_obj
def load(lab: Lab) -> None:
    """Build meshproof's image from the sources as they are now and load it into the cluster; print its name."""
    click.echo(cluster.load_product(lab))


@main.command("record")
@click.argument("names", nargs=-1)
@click.pass_obj
def record_command(lab: Lab, names: tuple[str, ...]) -> None:
    """Record what istiod makes of the scenarios' manifests, for the comparison with meshproof's own translation."""
    record.record(lab, names)


@main.command("prove", context_settings={"ignore_unknown_options": True})
@click.option("--keep", is_flag=True, help="Leave the engine running.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def prove_command(context: click.Context, keep: bool, words: tuple[str, ...]) -> None:
    """Run scenarios on a kind cluster of meshproof's own making: `prove [SCENARIO]... [OPTION]...`.

    From an empty cache to verdicts; without names the scenarios of all folders.
    """
    code = prove.prove(context.obj, words)
    if not keep and code not in (2,) and not cluster.exists(context.obj):
        engine.down(context.obj)
    context.exit(code)


@main.command("selfcheck")
@click.option("--sample", default=24, show_default=True, help="How many mutants.")
@click.argument("names", nargs=-1)
@click.pass_context
def selfcheck_command(context: click.Context, sample: int, names: tuple[str, ...]) -> None:
    """Prove on real Istio that checks of scenarios fail what is wrong, on a kind cluster of meshproof's own making."""
    chosen = names or ("canary", "mirror", "gateway", "fault")
    code = prove.prove(context.obj, [*chosen, "--sample", str(sample)], "selfcheck")
    if not cluster.exists(context.obj):
        engine.down(context.obj)
    context.exit(code)


@main.command("hosts")
@click.pass_context
def hosts_command(context: click.Context) -> None:
    """Prove `meshproof hosts` on the lab's node: a bundle, a private registry, Istio from both, and scenarios.

    Needs docker-registry, skopeo, openssl and an ssh client, and a lab without Istio.
    """
    context.exit(hosts.prove(context.obj))
