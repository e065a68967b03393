"""Where istiod's program comes from: a variable, PATH, the cache, or Go; and what is said where there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.istiod.program import NAME, VARIABLE, cached, find, program, version
from meshproof.errors import MeshproofError, TargetError


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def sought(environment: dict[str, str]) -> Path:
    return asyncio.run(program(Timeouts(), environment))


def test_the_variable_counts_before_path_and_path_before_the_cache(tmp_path: Path) -> None:
    named, installed = executable(tmp_path / "own"), executable(tmp_path / "bin" / NAME)
    kept = executable(cached({"XDG_CACHE_HOME": str(tmp_path)}))
    environment = {"PATH": str(installed.parent), "XDG_CACHE_HOME": str(tmp_path)}
    assert sought({**environment, VARIABLE: str(named)}) == named
    assert sought(environment) == installed
    assert sought({**environment, "PATH": ""}) == kept


def test_what_is_named_and_cannot_be_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=f"{VARIABLE} names {tmp_path}"):
        find({VARIABLE: str(tmp_path)})


def test_without_go_it_is_said_what_to_do_and_the_exit_code_is_that_of_a_broken_harness(tmp_path: Path) -> None:
    with pytest.raises(MeshproofError, match="install Go") as found:
        sought({"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})
    assert found.value.exit_code == 3


def test_a_build_that_fails_is_told_with_what_go_said_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executable(tmp_path / "bin" / "go", "#!/bin/sh\necho no network >&2\nexit 1\n")
    with pytest.raises(TargetError, match="building istiod: go failed") as found:
        sought({"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert "no network" in (found.value.detail or "")
    assert capsys.readouterr().err.count("\n") == 1
    assert [one for one in (tmp_path / "cache").rglob("*") if one.is_file()] == []


def test_the_version_is_that_of_the_module() -> None:
    assert version().startswith("1.31")
