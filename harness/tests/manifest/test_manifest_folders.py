"""What of a folder is read: its own files, those beneath it with -R, and what is left out."""

from __future__ import annotations

import os
from pathlib import Path

from meshproof.manifest import load
from meshproof.manifest.source import beneath

SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: greeter}\nspec: {selector: {app: greeter}, ports: [{port: 80}]}\n"
)


def test_manifests_in_subfolders_are_told_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SERVICE)
    for folder in ("base/inner", "overlays", ".git", "docs", "node_modules"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "base/inner/b.yaml").write_text(SERVICE)
    (tmp_path / "overlays/c.yml").write_text(SERVICE)
    (tmp_path / ".git/d.yaml").write_text(SERVICE)
    (tmp_path / "node_modules/f.yaml").write_text(SERVICE)
    (tmp_path / "docs/e.md").write_text("# e\n")
    (told,) = load([str(tmp_path)]).notices
    assert "base, overlays; name" in told.message
    assert len(load([str(tmp_path)]).resources) == 1
    (told,) = load([str(tmp_path), str(tmp_path / "base/inner")], strict=False).notices[-1:]
    assert "not read: overlays; name" in told.message


def test_all_that_is_beneath_a_folder_is_named_in_order_but_what_is_hidden_or_linked(tmp_path: Path) -> None:
    left_out = (".git/f.yaml", "notes/g.md", "a/node_modules/i.json")
    for name in ("b.yaml", "a/d.json", "a/c.yml", "a/z/e.yaml", ".h.yaml", *left_out):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SERVICE)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    found = [str(Path(one).relative_to(tmp_path)) for one in beneath([str(tmp_path)])]
    assert found == [".h.yaml", "b.yaml", "a/c.yml", "a/d.json", "a/z/e.yaml"]
    notes, file = str(tmp_path / "notes"), str(tmp_path / "b.yaml")
    assert beneath(["-", file, notes, "gone"]) == ("-", file, notes, "gone")


def test_links_that_lead_nowhere_and_pipes_are_left_out_beneath_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SERVICE)
    (tmp_path / ".#a.yaml").symlink_to("someone@machine.1234")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert beneath([str(tmp_path)]) == (str(tmp_path / "a.yaml"),)
