"""What workers make for each other in a first run is what pytest and hypothesis look for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import first_run
import pytest
from hypothesis import configuration


def test_a_file_that_a_worker_has_rewritten_is_taken_by_another_pytest(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    file, log = tmp_path / "test_one.py", tmp_path / "log"
    file.write_text("def test_one():\n    assert 1 + 1 == 2\n")
    (make,) = first_run.rewritten(pytestconfig, [file, tmp_path / "no_test.py"])
    make()
    words = ["-c", "/dev/null", "--rootdir", tmp_path, "--import-mode=importlib", f"--debug={log}", file]
    subprocess.run([sys.executable, "-P", "-m", "pytest", *words], check=True, capture_output=True, timeout=60)
    assert [line for line in log.read_text().splitlines() if "found cached rewritten pyc" in line and str(file) in line]


def test_the_constants_of_a_module_are_kept_where_hypothesis_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "__hypothesis_home_directory", tmp_path)
    file = first_run.PRODUCT / "errors.py"
    for make in first_run.constants([file]):
        make()
    assert (tmp_path / "constants" / hashlib.sha1(file.read_bytes()).hexdigest()[:16]).exists()


def test_of_the_product_no_assertion_is_rewritten(pytestconfig: pytest.Config) -> None:
    hook = pytestconfig.pluginmanager.rewrite_hook
    hook.mark_rewrite(first_run.PRODUCT.name)
    first_run.leave_the_product(pytestconfig)
    assert hook.find_spec("meshproof.errors", [str(first_run.PRODUCT)]) is None
    assert hook.find_spec("test_first_run", [str(Path(__file__).parent)]) is not None
