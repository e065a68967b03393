"""A case: the objects of one small mesh, and those that are there before anybody here wrote one."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

ROOT = Path(__file__).parents[4]
MODULE = "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad"
# Where Istio's own data and tests have configuration as text.
DATA = (
    "pilot/pkg/config/kube/gateway/testdata",
    "pilot/pkg/xds/testdata",
    "pkg/config/analysis/analyzers/testdata",
    "pkg/config/validation/testdata",
    "pkg/test/datasets/validation/dataset",
    "samples",
    "tests/integration/pilot/testdata",
    "tests/testdata",
)
TESTS = ("pilot/pkg", "pkg/config", "tests/integration/pilot", "tests/integration/security")
RAW = re.compile(r"`([^`]*apiVersion:[^`]*)`")
TEMPLATE = re.compile(r"\{\{-?.*?-?\}\}")
DECIDING = """VirtualService DestinationRule Gateway ServiceEntry WorkloadEntry WorkloadGroup Sidecar
AuthorizationPolicy HTTPRoute GRPCRoute TCPRoute TLSRoute ReferenceGrant Service"""
KINDS = frozenset(DECIDING.split())
IGNORED = frozenset({"CustomResourceDefinition"})


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as in a cluster."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in several if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, several in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Case:
    """`source` is the kind of place that it comes from."""

    name: str
    source: str
    objects: tuple[Json, ...]


def objects(text: str) -> list[Json]:
    """The Kubernetes objects of a text, those of Lists one by one; none where it is no YAML."""
    try:
        documents = [one for one in yaml.load_all(text, _Loader) if isinstance(one, dict)]
        json.dumps(documents, allow_nan=False)
    except (yaml.YAMLError, TypeError, ValueError):
        return []
    found = []
    for one in documents:
        several = one.get("items") if one.get("kind", "").endswith("List") else [one]
        found += [item for item in several or [] if isinstance(item, dict) and _is_object(item)]
    return found


def _is_object(one: Json) -> bool:
    metadata = one.get("metadata")
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    return named and "apiVersion" in one and "kind" in one and one["kind"] not in IGNORED


def case(name: str, source: str, several: Iterable[Json]) -> Case | None:
    """A case of the objects, each once; None where they decide nothing."""
    distinct = {}
    for one in several:
        group, metadata = one["apiVersion"].rpartition("/")[0], one["metadata"]
        key = group, one["kind"], metadata.get("namespace"), metadata["name"]
        distinct.setdefault(key, {name: value for name, value in one.items() if not name.startswith("_")})
    kinds = {one["kind"] for one in distinct.values()}
    return Case(name, source, tuple(distinct.values())) if kinds & KINDS else None


def istio_folder() -> Path:
    """Where Go keeps the sources of Istio."""
    ended = subprocess.run(["go", "mod", "download", "-json", MODULE], capture_output=True, text=True, check=True)
    return Path(json.loads(ended.stdout)["Dir"])


def of_istio() -> Iterator[Case]:
    """Istio's own test data, samples, and what its tests have as text."""
    folder = istio_folder()
    for place in DATA:
        for path in sorted((folder / place).rglob("*.yaml")):
            name = str(path.relative_to(folder))
            several = objects(TEMPLATE.sub("x", path.read_text()))
            if "crds" in path.parts or "dataset" in path.parts:
                # Each document is a case of its own there, and many have one name.
                for number, one in enumerate(several):
                    if found := case(f"{name}#{number}", "Istio's data", [one]):
                        yield found
            elif len(several) <= MOST_OBJECTS and (found := case(name, "Istio's data", several)):
                yield found
    for place in TESTS:
        for path in sorted((folder / place).rglob("*.go")):
            for number, text in enumerate(RAW.findall(path.read_text())):
                found = case(f"{path.relative_to(folder)}#{number}", "Istio's tests", objects(TEMPLATE.sub("x", text)))
                if found:
                    yield found


MOST_OBJECTS = 150


def of_this_project() -> Iterator[Case]:
    """The scenarios, golden files, examples and fixtures."""
    for pattern in ("harness/tests/golden/*.in.yaml", "scenarios/*/*.yaml", "examples/**/*.yaml"):
        for path in sorted(ROOT.glob(pattern)):
            if found := case(str(path.relative_to(ROOT)), "this project", objects(path.read_text())):
                yield found
