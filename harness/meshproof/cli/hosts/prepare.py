"""`meshproof hosts prepare` and `restore`: make machines ready, and put them back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from meshproof.cli.help.tree import spoken

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
CODES = """\b
Exit codes:
  0  done; or, in a dry run, everything could be planned
  2  interrupted
  3  a host, a registry or a cluster broke; the journal says where it stopped
  4  an option, the inventory or the bundle is wrong, or a step needs
     something of you first
"""


def _shared(command: Command) -> Command:
    for option in reversed(SHARED):
        command = option(command)
    return command


SHARED = (
    click.option(
        "-f", "--hosts-file", "path", type=click.Path(path_type=Path), required=True, metavar="FILE",
        help="The inventory: which hosts there are, how they are reached, what is expected of each.",
    ),
    click.option("--limit", "only", multiple=True, metavar="HOST", help="Only this host (repeatable)."),
    click.option(
        "--dry-run/--apply", "dry", default=True, show_default=True,
        help="Print what would be changed, and change nothing; or change it.",
    ),
    click.option("--allow-reboot", is_flag=True, help="Consent to reboots, one host at a time."),
    click.option(
        "-o", "--output-format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
        help="What is printed on standard output; progress always goes to standard error.",
    ),
)  # fmt: skip


@click.command(short_help="Make hosts ready for a mesh: kernel, IPVS, images, Istio.", epilog=CODES)
@_shared
@click.option(
    "--bundle",
    metavar="DIR|FILE|URL",
    default="",
    help="The offline bundle: kernel/, images/, istio-X.Y.Z/. Without one the kernel is the newest installed "
    "one that is expected.",
)
@click.option(
    "--bundle-sha256", "sha256", metavar="HEX", default="", help="The SHA-256 of its archive; a URL needs it."
)
@click.option("--push/--no-push", default=True, show_default=True, help="Push the bundle's images to the registry.")
@click.option("--istio/--no-istio", "install", default=True, show_default=True, help="Install Istio from the bundle.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A value for istioctl install (repeatable)."
)
@click.option("--inject", "namespaces", multiple=True, metavar="NAMESPACE", help="Label it istio-injection=enabled.")
@click.option(
    "--registry-ca", type=FILE, metavar="FILE", help="The registry's certificate authority, for this machine."
)
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["production"]),
    help="Install Istio on a cluster that is marked as a production one.",
)
def prepare(path: Path, only: tuple[str, ...], dry: bool, allow_reboot: bool, form: str, **more: Any) -> int:
    """Bring hosts to the state that their inventory and the bundle describe, one host at a time.

    Without --apply it says what would be changed, and where. Running it again goes on where it stopped, and
    changes nothing that is as it should be. Every file that is edited is backed up first, for `hosts restore`.
    The registry's name and password come from the environment or a credential helper.

    \b
    meshproof hosts prepare -f hosts.yaml --bundle Canary_v1.0.tar.gz
    meshproof hosts prepare -f hosts.yaml --bundle Canary_v1.0.tar.gz \\
      --apply --allow-reboot
    """
    from meshproof.cli.execute import carried_out
    from meshproof.cli.hosts.plan import as_data, as_text
    from meshproof.targets.hosts.inventory import load_inventory
    from meshproof.targets.hosts.prepare.sequence import Preparation, PrepareOptions

    more["allow"] = frozenset(more["allow"])
    options = PrepareOptions(only=only, allow_reboot=allow_reboot, **more)
    preparation = Preparation(load_inventory(path), options, _progress)
    prepared = carried_out(preparation.prepare(apply=not dry))
    click.echo(
        json.dumps(as_data(prepared, dry), indent=2) if form == "json" else as_text(prepared, dry, spoken()),
        nl=form == "json",
    )
    return 0


@click.command(short_help="Put back what `hosts prepare` changed.", epilog=CODES)
@_shared
def restore(path: Path, only: tuple[str, ...], dry: bool, allow_reboot: bool, form: str) -> int:
    """Put hosts back as they were before `hosts prepare`, by the journal that each keeps, the last change first.

    Files get their old content, the boot loader its old entry; kernel packages that were installed are removed
    once another kernel runs. Images in the registry and Istio in the cluster are left as they are.
    """
    from meshproof.cli.execute import carried_out
    from meshproof.targets.hosts.inventory import load_inventory
    from meshproof.targets.hosts.prepare.sequence import Preparation, PrepareOptions

    preparation = Preparation(load_inventory(path), PrepareOptions(only=only, allow_reboot=allow_reboot), _progress)
    undone = carried_out(preparation.restore(apply=not dry))
    if form == "json":
        click.echo(json.dumps([{"host": one.label, "changes": list(one.lines)} for one in undone], indent=2))
        return 0
    words = spoken()
    for one in undone:
        click.echo(one.label if one.lines else words("{host}: nothing to put back", host=one.label))
        for line in one.lines:
            click.echo(f"  {line}")
    if dry and any(one.lines for one in undone):
        click.echo(words("Nothing was changed. --apply does it."), err=True)
    return 0


def _progress(text: str) -> None:
    click.echo(text, err=True)
