"""The commit that manifests stand in, of real git repositories."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from meshproof.border.facts.provenance import Digest
from meshproof.manifest import load
from meshproof.run.provenance.commit import commit_of

CONFIG = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80}}]}}
"""


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    ended = subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with a manifest at its top and two in a folder."""
    top = tmp_path / "repository"
    (top / "k8s [1]").mkdir(parents=True)
    for file, name in (("top.yaml", "top"), ("k8s [1]/ä b.yaml", "a"), ("k8s [1]/c.yaml", "c")):
        (top / file).write_text(CONFIG.format(name=name))
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    return top


def read(*paths: Path) -> tuple[Digest, ...]:
    return load([str(path) for path in paths], strict=False).sources


def test_the_digests_are_those_of_the_files(place: Path) -> None:
    file = place / "top.yaml"
    data = file.read_bytes()
    assert read(file) == (Digest(str(file), hashlib.sha256(data).hexdigest(), len(data)),)


def test_manifests_as_they_were_committed(place: Path) -> None:
    (place / "other.txt").write_text("of no concern")
    found = commit_of(read(place / "top.yaml", place / "k8s [1]"))
    assert found is not None
    assert (found.id, found.clean, found.changed) == (git(place, "rev-parse", "HEAD"), True, ())


def test_changed_and_new_manifests_are_named(place: Path) -> None:
    (place / "k8s [1]" / "c.yaml").write_text(CONFIG.format(name="changed"))
    (place / "k8s [1]" / "new.yaml").write_text(CONFIG.format(name="new"))
    found = commit_of(read(place / "top.yaml", place / "k8s [1]"))
    assert found is not None
    assert not found.clean
    assert found.changed == (str(place / "k8s [1]/c.yaml"), str(place / "k8s [1]/new.yaml"))


def test_what_was_read_and_is_put_back_was_not_as_committed(place: Path) -> None:
    file = place / "top.yaml"
    committed = file.read_bytes()
    file.write_text(CONFIG.format(name="other"))
    sources = read(file)
    file.write_bytes(committed)
    found = commit_of(sources)
    assert found is not None
    assert found.changed == (str(file),)


def test_standard_input_and_links_are_not_in_a_commit(place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(CONFIG.format(name="outside"))
    (place / "link.yaml").symlink_to(outside)
    sources = (*read(place / "top.yaml", place / "link.yaml", outside), Digest("<stdin>", "0" * 64, 0))
    found = commit_of(sources)
    assert found is not None
    assert set(found.changed) == {"<stdin>", str(outside), str(place / "link.yaml")}


def test_a_link_in_the_place_of_a_file_is_a_change(place: Path, tmp_path: Path) -> None:
    file = place / "top.yaml"
    file.rename(tmp_path / "moved.yaml")
    file.symlink_to(tmp_path / "moved.yaml")
    found = commit_of(read(file))
    assert found is not None
    assert not found.clean


def test_no_repository_no_commit_and_no_git(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(CONFIG.format(name="outside"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert commit_of(read(outside)) is None
    assert commit_of(()) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    (empty / "a.yaml").write_text(CONFIG.format(name="a"))
    assert commit_of(read(empty / "a.yaml")) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(read(place / "top.yaml")) is None


def test_nothing_that_the_repository_configures_is_carried_out(place: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    for name in ("core.fsmonitor", "filter.trap.clean", "filter.trap.process", "core.pager", "diff.external"):
        git(place, "config", name, f"touch {trap}; cat")
    (place / ".git" / "info" / "attributes").write_text("* filter=trap\n")
    (place / "top.yaml").write_text(CONFIG.format(name="changed"))
    found = commit_of(read(place))
    assert found is not None
    assert not found.clean
    assert not trap.exists()
