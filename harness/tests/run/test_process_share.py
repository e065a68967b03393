"""A thing that several processes use, and the folder for the files that they lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from meshproof.errors import TargetError
from meshproof.process import RunLock, Share, run_directory


@pytest.fixture
def several(tmp_path: Path) -> list[Share]:
    return [Share(tmp_path / "users") for _ in range(3)]


def test_the_last_user_learns_that_it_is_and_no_other_joins_while_it_removes_the_thing(several: list[Share]) -> None:
    first, second, third = several

    async def body() -> None:
        await first.join(1, "")
        await second.join(1, "")
        first.text = "to go"
        assert second.text == "to go"
        assert not first.last()
        assert first.rejoin()
        assert not second.last()
        # It has let go, so that the other one is the last.
        assert first.last()
        assert not second.rejoin()
        # Whoever waits for that goes on with everything else meanwhile.
        waiting = asyncio.ensure_future(third.join(60, ""))
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0]
        first.text = ""
        first.leave()
        await waiting
        assert third.text == ""
        second.leave()
        assert third.path.exists()
        third.leave()
        third.leave()
        assert not third.path.exists()

    asyncio.run(body())


def test_what_was_not_removed_is_still_known_to_be_removed(several: list[Share]) -> None:
    first, second, _ = several
    asyncio.run(first.join(1, ""))
    first.text = "half made"
    first.leave()
    asyncio.run(second.join(1, ""))
    assert second.text == "half made"
    assert second.last()


def test_a_wait_has_a_limit_and_an_error_that_names_it(several: list[Share]) -> None:
    first, second, _ = several
    asyncio.run(first.join(1, ""))
    assert first.last()
    with pytest.raises(TargetError, match=r"waiting for it: another process still removes it after 0\.2 s"):
        asyncio.run(second.join(0.2, "waiting for it"))


def test_only_the_user_can_use_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "runtime"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_directory().parent == tmp_path
    runtime.mkdir()
    place = run_directory()
    assert place == runtime / "meshproof"
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    with pytest.raises(TargetError, match="not a folder that only this user can use\nlook: ls -ld"):
        run_directory()
    place.rmdir()
    place.symlink_to(tmp_path)
    with pytest.raises(TargetError, match="not a folder that only this user can use"):
        run_directory()


@pytest.mark.parametrize("take", [lambda path: RunLock(path).acquire(1, ""), lambda path: Share(path).join(1, "")])
def test_a_link_is_not_followed(tmp_path: Path, take: object) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetError, match="link cannot be opened"):
        asyncio.run(take(tmp_path / "link"))  # type: ignore[operator]
    assert not (tmp_path / "elsewhere").exists()
