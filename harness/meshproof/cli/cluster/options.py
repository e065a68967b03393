"""The options of a cluster that is only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from meshproof.errors import UsageError
from meshproof.records import dataclass

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Live:
    """The values of these options; without a `target` no cluster is meant."""

    target: str
    context: str
    kubeconfig: str
    allow: tuple[str, ...]
    revision: str
    everywhere: bool

    @property
    def is_meant(self) -> bool:
        """Whether a cluster is to be read; raises UsageError for options that contradict each other."""
        if not self.target:
            given = [name for name in ("context", "kubeconfig", "allow", "revision") if getattr(self, name)]
            given += ["all-namespaces"] if self.everywhere else []
            if given:
                raise UsageError(f"--{given[0]} is for --target cluster")
            return False
        if not self.context:
            raise UsageError("--target cluster needs --context: the current one is never used")
        return True


CONTEXT = click.option(
    "--context", default="", metavar="NAME", help="The cluster's context; the current one is never used."
)
ACCESS = (
    click.option(
        "--kubeconfig", default="", metavar="FILES", help="Where contexts are looked up; KUBECONFIG otherwise."
    ),
    click.option(
        "--allow",
        multiple=True,
        type=click.Choice(["production"]),
        help="Read a cluster that is marked as a production one.",
    ),
    click.option("--revision", default="", metavar="NAME", help="The revision of Istio whose configuration counts."),
)
EVERYWHERE = click.option(
    "-A",
    "--all-namespaces",
    "everywhere",
    is_flag=True,
    help="Read the workloads of all namespaces, not of -n and istio-system alone.",
)
TARGET = click.option(
    "--target",
    type=click.Choice(["cluster"]),
    help="Read what a live cluster runs in place of files; nothing in it is changed.",
)
NO_APPLY = click.option(
    "--no-apply", "untouched", is_flag=True, help="Said of --target cluster, which is never changed here, for clarity."
)


def live(command: Command) -> Command:
    """Give a command these options; it receives them as one `live`."""

    def call(**values: Any) -> Any:
        values.pop("untouched")
        values["target"] = values["target"] or ""
        return command(live=Live(**{one.name: values.pop(one.name) for one in fields(Live)}), **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed((TARGET, CONTEXT, *ACCESS, EVERYWHERE, NO_APPLY)):
        option(call)
    return call  # type: ignore[return-value]
