"""What a first run of the tests caches, made once: each worker makes its part before any of them collects.

Otherwise each worker makes all of it, as they collect the same files at the same time: pytest rewrites the assertions
of each test file, hypothesis reads the constants of each module and computes which characters there are. None of this
is part of what either promises: where it has another shape, or a file is wrong, each worker does as without this.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parents[1]
PRODUCT = TESTS.parent / "meshproof"


def share(config: pytest.Config) -> None:
    """In a worker: make what is this worker's part of it, where it is not there."""
    worker, count = (os.environ.get(f"PYTEST_XDIST_WORKER{more}") for more in ("", "_COUNT"))
    with contextlib.suppress(ImportError, AttributeError, KeyError, TypeError, SyntaxError, OSError), quiet():
        leave_the_product(config)
        if worker and count:
            tests = [file for folder in (TESTS, ROOT / "scenarios") for file in sorted(folder.rglob("*.py"))]
            parts = [tables, *constants(sorted(PRODUCT.rglob("*.py"))), *rewritten(config, tests)]
            for make in parts[int(worker.removeprefix("gw")) :: int(count)]:
                make()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hypothesis warns of whoever has it compute anything this early, for it takes time: that time is meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def leave_the_product(config: pytest.Config) -> None:
    """Its plugin has pytest rewrite all its modules: a second cache beside that of the commands that tests start."""
    hook = config.pluginmanager.rewrite_hook
    hook._must_rewrite.discard(PRODUCT.name)
    hook._marked_for_rewrite_cache.clear()


def rewritten(config: pytest.Config, files: Iterable[Path]) -> list[Callable[[], None]]:
    from _pytest.assertion import rewrite

    state = config.stash[rewrite.assertstate_key]

    def make(file: Path) -> None:
        kept = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
        if rewrite._read_pyc(file, kept) is None and rewrite.try_makedirs(kept.parent):
            source, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(state, code, source, kept)

    return [lambda file=file: make(file) for file in files if asserts(file)]


def asserts(file: Path) -> bool:
    """Whether pytest rewrites it."""
    return file.name.startswith("test_") or file.name == "conftest.py"


def constants(files: Iterable[Path]) -> list[Callable[[], None]]:
    from hypothesis.internal.constants_ast import constants_from_module

    def make(file: Path) -> None:
        module = ModuleType(file.stem)
        module.__file__ = str(file)
        constants_from_module(module)

    return [lambda file=file: make(file) for file in files]


def tables() -> None:
    from hypothesis import strategies

    strategies.text().validate()
