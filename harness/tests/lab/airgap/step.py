"""A step makes one file or folder, under a name that holds a digest of all that decides what comes out."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Lab:
    """Where the lab keeps what it makes: `store` outlives `down`, `run` does not."""

    root: Path

    @classmethod
    def default(cls) -> Lab:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(cache) / "meshproof" / "lab")

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"


@dataclass(frozen=True)
class Step:
    """`make(lab, target)` writes the file or folder `target`; `recipe` is whatever decides its content."""

    name: str
    recipe: str
    make: Callable[[Lab, Path], None]
    needs: tuple[Step, ...] = ()
    size: str = field(default="", compare=False)

    @cached_property
    def key(self) -> str:
        digest = hashlib.sha256(f"{self.name}\0{self.recipe}".encode())
        for need in self.needs:
            digest.update(need.key.encode())
        return digest.hexdigest()[:12]

    def path(self, lab: Lab) -> Path:
        return lab.store / f"{self.name}-{self.key}"

    def ensure(self, lab: Lab) -> Path:
        """Make it, and what it needs, unless it stands; only the step that was interrupted starts over."""
        path = self.path(lab)
        if path.exists():
            return path
        for need in self.needs:
            need.ensure(lab)
        lab.store.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished")
        discard(unfinished)
        with timed(lab, self.name):
            self.make(lab, unfinished)
            unfinished.rename(path)
        return path


class timed:  # noqa: N801
    """Reports what is being done and how long it took, on the terminal and in times.tsv."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name, self.began = lab, name, 0.0

    def __enter__(self) -> None:
        self.began = time.monotonic()
        click.echo(f"  {self.name} …", err=True)

    def __exit__(self, kind: object, *_: object) -> None:
        seconds = time.monotonic() - self.began
        verdict = "done" if kind is None else "failed"
        click.echo(f"  {self.name}: {verdict} after {seconds:.1f} s", err=True)
        self.lab.root.mkdir(parents=True, exist_ok=True)
        with (self.lab.root / "times.tsv").open("a") as stream:
            stream.write(f"{time.strftime('%FT%TZ', time.gmtime())}\t{self.name}\t{verdict}\t{seconds:.1f}\n")


def discard(path: Path) -> None:
    """Remove a file or a folder, whichever it is, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
