"""What holds for all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from meshproof.language.words import VARIABLES, of_environment

sys.path.insert(0, str(Path(__file__).parent / "preloaded"))
sys.path.insert(0, str(Path(__file__).parent / "rates"))
sys.path.insert(0, str(Path(__file__).parent / "ports"))
sys.path.insert(0, str(Path(__file__).parent / "caches"))

import first_run
from preloaded_client import Preloaded, forked

# Tests start the product hundreds of times, as people have it: with its modules compiled once and not each time.
# Its own modules are rewritten for their assertions, which takes longer than the rest of collecting them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The product speaks the language of its environment, and tests read English.
if of_environment(os.environ) != "en":
    os.environ |= dict.fromkeys(VARIABLES, "C.UTF-8")

# How long an example takes to draw or to try says something about the machine, and nothing about a property.
# And every run draws the same examples: new ones are drawn by `tox -e fuzz`.
settings.register_profile(
    "busy",
    deadline=None,
    derandomize="MESHPROOF_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("busy")

# pytest hands a test's name to each process that it starts, in its environment: what is too long there starts none.
LONGEST_NAME, LONGEST_TEXT = 2000, 500


def pytest_configure(config: pytest.Config) -> None:
    """Of all tests the long ones are left to `tox -e long`; whoever names a folder or a mark gets what they name."""
    if not config.option.markexpr and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.option.markexpr = "not long"
        first_run.share(config)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text is called by its length: versions of pytest before 9.2 take the whole of it for a name."""
    return f"{argname}-of-{len(val)}" if isinstance(val, (str, bytes)) and len(val) > LONGEST_TEXT else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if several := [item.nodeid[:200] for item in items if len(item.nodeid) > LONGEST_NAME]:
        raise pytest.UsageError(f"the parameters of these tests are their names: give them ids: {'; '.join(several)}")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What has been collected stays: no collection of garbage looks through all of it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Preloaded]:
    """Programs that have imported all that they need."""
    made = Preloaded()
    yield made
    made.close()


@pytest.fixture
def preloaded_forks(preloaded: Preloaded) -> Iterator[None]:
    """What this process starts to fork workloads and load generators has imported what it needs."""
    with forked(preloaded.path):
        yield
