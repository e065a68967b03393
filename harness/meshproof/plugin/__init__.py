"""The pytest plugin: options `--mesh-*`, and the fixture `verify` that proves a scenario.

Loaded by every pytest of an environment that has meshproof, so it imports what it needs only when
a scenario runs.
"""

from __future__ import annotations

import pytest

from meshproof.plugin import options
from meshproof.plugin.fixtures import mesh_session, verify
from meshproof.plugin.intents import intent, intent_folders, pytest_make_parametrize_id
from meshproof.plugin.output import open_closed
from meshproof.plugin.run import NAME, Run
from meshproof.plugin.workers import Workers

__all__ = [
    "intent",
    "intent_folders",
    "mesh_session",
    "pytest_addoption",
    "pytest_configure",
    "pytest_make_parametrize_id",
    "verify",
]


# Now, since pytest takes standard output over before it calls a hook of this plugin.
OUTPUT_CLOSED = open_closed()


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser.getgroup("meshproof", "service mesh verification"))


def pytest_configure(config: pytest.Config) -> None:
    options.check(config)
    workers = Workers(config)
    config.pluginmanager.register(workers)
    config.pluginmanager.register(Run(config, workers, output_closed=OUTPUT_CLOSED), NAME)
