"""What the packages of meshproof import of each other, read from their source (nothing is imported).

A folder is a package of the layers in pyproject.toml (`cli`, `report`), or one below it (`mesh/predict`) where the
picture shows these. Files beside the folders belong to the package itself.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "harness/meshproof"
WITH_FOLDERS = frozenset({"mesh", "judge", "envoy", "run", "targets"})
# What re-exports names for users, and the command's start: in no layer.
NOT_DRAWN = frozenset({"", "__main__"})


@dataclass(frozen=True)
class Graph:
    """`layers` from the top; `folders` by package; `imports` as (importing, imported) folders; `purpose` by folder."""

    layers: tuple[tuple[str, ...], ...]
    folders: dict[str, tuple[str, ...]]
    imports: frozenset[tuple[str, str]]
    purpose: dict[str, str]


def read() -> Graph:
    """The graph of the package as it stands in this checkout; ValueError for a package that is in no layer."""
    layers = contract()
    modules = dict(sources())
    folders = {package: tuple(folders_in(package)) for layer in layers for package in layer}
    purpose = {folder: sentence(modules[folder.replace("/", ".")]) for folder in every(folders)}
    imports = set()
    for module, path in modules.items():
        importing = folder_of(module, folders)
        for name in imported(path):
            found = folder_of(nearest(name, modules), folders)
            if importing and found and importing != found:
                imports.add((importing, found))
    return Graph(layers, folders, frozenset(imports), purpose)


def contract() -> tuple[tuple[str, ...], ...]:
    """The layers of import-linter's contract, from the top."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers" and "containers" not in one)
    return tuple(tuple(name.strip().removeprefix("meshproof.") for name in layer.split("|")) for layer in layers)


def sources() -> Iterator[tuple[str, Path]]:
    """Every module, by its name below the package ('' for the package itself)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def folders_in(package: str) -> Iterator[str]:
    if package in WITH_FOLDERS:
        for path in sorted((PACKAGE / package).iterdir()):
            if (path / "__init__.py").exists():
                yield f"{package}/{path.name}"


def every(folders: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for package, inner in folders.items():
        yield package
        yield from inner


def imported(path: Path) -> Iterator[str]:
    """The names below meshproof that a file imports, inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        yield from (one.partition(".")[2] for one in names if one.partition(".")[0] == "meshproof")


def nearest(name: str, modules: dict[str, Path]) -> str:
    """The module that a name is, or is in."""
    while name not in modules:
        name = name.rpartition(".")[0]
    return name


def folder_of(module: str, folders: dict[str, tuple[str, ...]]) -> str:
    """The folder of a module; '' for one that has none."""
    package, _, rest = module.partition(".")
    if package not in folders:
        if package in NOT_DRAWN:
            return ""
        raise ValueError(f"meshproof.{package} is in no layer of the contract in pyproject.toml")
    inner = f"{package}/{rest.partition('.')[0]}"
    return inner if inner in folders[package] else package


def sentence(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return text.replace("\n", " ").replace("`", "").partition(". ")[0].removesuffix(".")
