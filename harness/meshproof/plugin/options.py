"""The pytest plugin's options: `--mesh-*` for the command's own `--*`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meshproof.border.facts.control_plane import CONTROL_PLANES, OWN
from meshproof.border.load import MOST_WORKERS
from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS
from meshproof.errors import UsageError
from meshproof.options import KUBERNETES, Kind, Option, given, refuse
from meshproof.options import kube_settings as settings_of
from meshproof.plugin.wording import PREFIX, as_pytest

if TYPE_CHECKING:
    from meshproof.targets.cluster.settings import KubeSettings

TARGETS = ("embedded", "kind", "cluster", "hosts")


def add(group: pytest.OptionGroup) -> None:
    """Add all options."""
    group.addoption("--mesh-target", default="embedded", choices=TARGETS, help="where scenarios run")
    group.addoption(
        "--mesh-control-plane", default=OWN, choices=CONTROL_PLANES,
        help="what configures the proxies: meshproof itself, or a real istiod, which Go builds once (embedded)",
    )  # fmt: skip
    group.addoption("--mesh-hosts", type=Path, default=None, metavar="FILE", help="inventory for the hosts target")
    group.addoption("--mesh-show-names", action="store_true", help="call hosts by their own names, in reports too")
    group.addoption(
        "--mesh-port", action="append", type=port_pair, default=[], metavar="SERVICE_PORT=LOCAL_PORT",
        help="listen for a service's port on this local port; on kind the gateway's (embedded, kind)",
    )  # fmt: skip
    for option in _own():
        group.addoption(
            f"{PREFIX}{option.name}",
            help=f"{option.help.replace('--', PREFIX)} ({option.targets})",
            **_attributes(option),
        )
    group.addoption(
        "--mesh-alpha", type=_within(*ERROR_RATES), default=0.001, help="probability of failing a mesh that conforms"
    )
    group.addoption(
        "--mesh-beta",
        type=_within(*ERROR_RATES),
        default=0.01,
        help="probability of passing one wrong by the tolerance",
    )
    group.addoption(
        "--mesh-tolerance", type=_within(*TOLERANCE_POINTS), default=3.0, metavar="POINTS", help="in percentage points"
    )
    group.addoption(
        "--mesh-max-requests", type=_whole(1, 1 << 31), default=None, metavar="N", help="cap for each check"
    )
    group.addoption(
        "--mesh-workers", type=_whole(0, MOST_WORKERS), default=0, metavar="N",
        help="Locust workers for each load; 0: one process",
    )  # fmt: skip
    group.addoption("--mesh-seed", type=int, default=0, help="seeds the request ids")
    group.addoption(
        "--mesh-web", action="store_true",
        help="serve the run to a browser on 127.0.0.1 while it goes on; the address, which holds a secret, is printed",
    )  # fmt: skip
    group.addoption(
        "--mesh-locust-web", action="store_true",
        help="serve Locust's own web page on 127.0.0.1, on any free port, which is printed; whoever alters the load "
        "there gets no verdict",
    )  # fmt: skip
    group.addoption("--mesh-output", type=Path, default=None, metavar="DIR", help="folder for the run's reports")


def check(config: pytest.Config) -> None:
    """Raise pytest.UsageError for options that do not go together; nothing is imported where none is given."""
    target = config.getoption("--mesh-target")
    for name in ("hosts", "show-names"):
        if target != "hosts" and config.getoption(f"--mesh-{name}"):
            raise pytest.UsageError(f"--mesh-{name} is for --mesh-target hosts")
    if target != "embedded" and config.getoption("--mesh-control-plane") != OWN:
        raise pytest.UsageError("--mesh-control-plane is for the embedded mesh: a cluster has its own")
    if target == "hosts" and config.getoption("--mesh-hosts") is None:
        raise pytest.UsageError("--mesh-target hosts needs --mesh-hosts FILE, an inventory")
    if target != "embedded":
        if given(_values(config)):
            kube_settings(config)
        return
    try:
        refuse(_values(config), target)
    except UsageError as error:
        raise pytest.UsageError(as_pytest(str(error))) from None


def kube_settings(config: pytest.Config) -> KubeSettings:
    """The settings that these options make; raises pytest.UsageError for what contradicts itself."""
    try:
        return settings_of(_values(config), dict(config.getoption("--mesh-port")))
    except UsageError as error:
        raise pytest.UsageError(as_pytest(str(error))) from None


def port_pair(text: str) -> tuple[int, int]:
    """The type of an option that is `SERVICE_PORT=LOCAL_PORT`."""
    service, _, local = text.partition("=")
    port = _whole(1, 65535)
    return port(service), port(local)


def _own() -> list[Option]:
    return [option for option in KUBERNETES if not option.command_only]


def _values(config: pytest.Config) -> dict[str, Any]:
    return {option.key: config.getoption(f"{PREFIX}{option.name}") for option in _own()}


def _attributes(option: Option) -> dict[str, Any]:
    if option.kind is Kind.FLAG:
        return {"action": "store_true"}
    attributes: dict[Kind, dict[str, Any]] = {
        Kind.TEXT: {"default": option.default},
        Kind.SEVERAL: {"action": "append", "default": []},
        Kind.PATH: {"type": Path, "default": None},
        Kind.COUNT: {"type": _whole(*option.bounds), "default": None},
    }
    return {"metavar": option.metavar, **attributes[option.kind]}


def _whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that is a whole number between these two."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    return number


def _within(low: float, high: float) -> Callable[[str], float]:
    """The type of an option that is a number between these two."""

    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return number
