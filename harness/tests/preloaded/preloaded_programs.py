"""The programs that tests start most, as they are once all that they import is there."""

from __future__ import annotations

import atexit
import importlib
import io
import os
import pkgutil
import runpy
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meshproof.fork_server.server import Program, System, serve_prepared

FORK_SERVER = "fork-server"
LOCUST, WORKLOAD, COMMAND = "meshproof.traffic", "meshproof.workload", "meshproof"
# What only a cluster or hosts need, and what patches the process that imports it.
NOT_IMPORTED = (
    "meshproof.targets.cluster",
    "meshproof.targets.hosts",
    "meshproof.targets.istio",
    "meshproof.targets.kind",
    "meshproof.targets.kube",
    "meshproof.targets.probe_image",
    "meshproof.traffic.distributed",
    "meshproof.traffic.generator",
    "meshproof.traffic.preloaded",
    "meshproof.traffic.role",
)

Order = dict[str, Any]
Become = Callable[[Order], None]


def prepared(program: str, system: System) -> Become:
    """Import that program; what is returned runs it as an order says (see preloaded_server.py)."""
    if program == COMMAND:
        return _command()
    forks = _locust() if program == LOCUST else _workload()
    return lambda _order: serve_prepared(forks, system)


def _locust() -> Program:
    from meshproof.traffic.preloaded import prepare

    return prepare()


def _workload() -> Program:
    from meshproof.workload.__main__ import prepare

    return prepare()


def _command() -> Become:
    import meshproof
    import meshproof.plugin
    import preloaded_client  # noqa: F401
    import pytest  # noqa: F401

    for module in pkgutil.walk_packages(meshproof.__path__, "meshproof.", onerror=lambda _name: None):
        if not module.name.startswith(NOT_IMPORTED) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from meshproof.language.words import ENGLISH
    from meshproof.report.html.environment import templates

    report = templates(ENGLISH)
    for name in report.list_templates([".j2"]):
        report.get_template(name)
    return _become_command


def _become_command(order: Order) -> None:
    """`python -m MODULE` from here on: with the streams, the folder and the environment that it has been given."""
    from preloaded_client import forked

    sys.stdin, sys.stdout, sys.stderr = (_stream(one, at) for at, one in enumerate((sys.stdin, sys.stdout, sys.stderr)))
    tempfile.tempdir = None
    sys.argv = [order["module"], *order["arguments"]]
    code: object = 1
    try:
        with forked(lambda program: Path(order["forking"][program])):
            runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code) if isinstance(code, int) else int(code is not None))


def _stream(former: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
    """A standard stream as the interpreter makes them."""
    raw = os.fdopen(descriptor, "wb" if descriptor else "rb", closefd=False)
    return io.TextIOWrapper(
        raw, encoding=former.encoding, errors=former.errors, line_buffering=descriptor == 2 or os.isatty(descriptor)
    )
