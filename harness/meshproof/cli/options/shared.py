"""The options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from meshproof.border.facts.control_plane import CONTROL_PLANES, OWN
from meshproof.border.load import MOST_WORKERS
from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS, Precision
from meshproof.cli.options.exit_codes import EXIT_CODES as EXIT_CODES
from meshproof.cli.options.files_and_forms import COLOR, OUTPUT
from meshproof.cli.options.kubernetes import on_kubernetes
from meshproof.options import KUBERNETES
from meshproof.records import dataclass

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of the shared options."""

    target: str
    format: str
    precision: Precision
    seed: int
    output: Path | None
    color: bool | None
    ports: tuple[tuple[int, int], ...]
    workers: int
    kube: Mapping[str, Any]
    hosts: Path | None = None
    show_names: bool = False
    web: bool = False
    locust_web: bool = False
    control_plane: str = OWN


class Within(click.FloatRange):
    """A number between two others."""

    def __init__(self, limits: tuple[float, float]) -> None:
        super().__init__(min=limits[0], max=limits[1])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class PortPair(click.ParamType[tuple[int, int]]):
    """`SERVICE_PORT=LOCAL_PORT`."""

    name = "SERVICE_PORT=LOCAL_PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        try:
            service, local = (int(word) for word in value.split("="))
        except ValueError:
            self.fail(f"{value!r} is not {self.name}, as in 5000=15000", param, ctx)
        if not (0 < service < 65536 and 0 < local < 65536):
            self.fail(f"{value!r}: a port is a number from 1 to 65535", param, ctx)
        return service, local


def shared(command: Command) -> Command:
    """Give a command the shared options; it receives them as one `settings`."""
    return shared_with("table")(command)


def shared_with(text: str) -> Callable[[Command], Command]:
    """The same for a command whose output for people has another name than `table`."""
    return lambda command: _given(command, text)


def _given(command: Command, text: str) -> Command:

    def call(**values: Any) -> Any:
        precision = Precision(
            values.pop("alpha"), values.pop("beta"), values.pop("tolerance") / 100, values.pop("max_requests")
        )
        names = ("target", "format", "seed", "output", "color", "ports", "workers", "hosts", "show_names")
        own = {name: values.pop(name) for name in (*names, "web", "locust_web", "control_plane")}
        kube = {option.key: values.pop(option.key) for option in KUBERNETES}
        if own["output"] is not None:
            from meshproof.report.run_folder import refuse_used

            refuse_used(own["output"])
        settings = Settings(precision=precision, kube=kube, **own)
        return command(settings=settings, **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    on_kubernetes(call)
    for option in reversed((*OPTIONS[:4], output(text), *OPTIONS[4:])):
        option(call)
    return call  # type: ignore[return-value]


def output(text: str) -> Callable[[Command], Command]:
    """The option for what is printed; `text` is what is for people."""
    return click.option(
        "-o", "--output-format", "format", type=click.Choice([text, "json", "junit", "github", "gitlab"]),
        default=text, show_default=True,
        help="What is printed on standard output; progress always goes to standard error. github: annotations on the "
        "lines of a pull request, and a step summary; gitlab: a code quality report.",
    )  # fmt: skip


OPTIONS = (
    click.option(
        "--target", type=click.Choice(["embedded", "kind", "cluster", "hosts"]), default="embedded", show_default=True,
        help="Where the mesh runs; embedded is real Envoy on this machine, without a cluster.",
    ),
    click.option(
        "--control-plane", type=click.Choice(CONTROL_PLANES), default=OWN, show_default=True,
        help="What configures the proxies: meshproof itself, or a real istiod, which Go builds once.  [embedded]",
    ),
    click.option(
        "--hosts-file", "hosts", type=click.Path(path_type=Path), metavar="FILE",
        help="The inventory: which hosts there are, how they are reached, what is expected of each.  [hosts]",
    ),
    click.option(
        "--show-names", is_flag=True,
        help="Call hosts by their own names, in reports too. Without it they are worker-1, control-plane-1 …  [hosts]",
    ),
    OUTPUT,
    click.option(
        "--tolerance", type=Within(TOLERANCE_POINTS), default=3.0, show_default=True, metavar="POINTS",
        help="A share of the traffic that is off by so many percentage points is found out; for a share below "
        "twice that, already half of the share.",
    ),
    click.option(
        "--alpha", type=Within(ERROR_RATES), default=0.001, show_default=True, metavar="RATE",
        help="How often, at most, a run may fail a mesh that is right.",
    ),
    click.option(
        "--beta", type=Within(ERROR_RATES), default=0.01, show_default=True, metavar="RATE",
        help="How often, at most, a share that is off by the tolerance may pass.",
    ),
    click.option(
        "--max-requests", type=click.IntRange(min=1), metavar="N",
        help="Most requests for one check; what is undecided by then is inconclusive, and does not pass.  "
        "[default: twice what a test of fixed size needs]",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, metavar="N",
        help="Decides the ids of the requests. Envoy's own draws cannot be seeded.",
    ),
    click.option(
        "--port", "ports", type=PortPair(), multiple=True,
        help="Listen for a service's port on this local port, not on any free one (repeatable); on kind the gateway's.",
    ),
    click.option(
        "--workers", type=click.IntRange(0, MOST_WORKERS), default=0, show_default=True, metavar="N",
        help="Spread each load over so many Locust workers under one master, each with a proxy of its own; 0: one "
        "process sends it all. Bursts, and scenarios whose requests are paced one by one (breakers), are sent by one.",
    ),
    click.option(
        "--web", is_flag=True,
        help="Serve the run to a browser on 127.0.0.1 while it goes on; the address, which holds a secret, is printed.",
    ),
    click.option(
        "--locust-web", is_flag=True,
        help="Serve Locust's own web page on 127.0.0.1, on any free port, which is printed. It shows the load; "
        "whoever alters it there gets no verdict.",
    ),
    COLOR,
)  # fmt: skip
