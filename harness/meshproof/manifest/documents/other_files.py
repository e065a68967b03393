"""Files that lie beside manifests and are none: what each is, and what to do with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import normpath

from meshproof.manifest.resource import NO_PART, Notice, Resource
from meshproof.manifest.syntax.templates import RENDER
from meshproof.manifest.value import Value

WORD = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.*-]*")
KUSTOMIZE = "kubectl kustomize DIR | meshproof verify -f -"
KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/: what lists, or is read, and what changes.
LISTS = frozenset({"resources", "bases", "crds", "metadata", "openapi", "buildMetadata", "sortOptions", "namespace"})
CHANGES = frozenset(
    {
        "commonAnnotations",
        "commonLabels",
        "components",
        "configMapGenerator",
        "configurations",
        "generatorOptions",
        "generators",
        "helmCharts",
        "helmGlobals",
        "images",
        "labels",
        "namePrefix",
        "nameSuffix",
        "patches",
        "patchesJson6902",
        "patchesStrategicMerge",
        "replacements",
        "replicas",
        "secretGenerator",
        "transformers",
        "validators",
        "vars",
    }
)
PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")
INTENT = frozenset({"request", "never"})
# Each item of a patch after RFC 6902 has these.
PATCHING = frozenset({"op", "path"})
CHART = frozenset({"apiVersion", "name", "version"})


def other_file(body: Value) -> Notice | None:
    """What a document is that is no Kubernetes resource, where it is of a known kind of file."""
    names = frozenset(body.names())
    file = own_name(body.location.file)
    if _is_kustomization(body, names, file):
        return Notice(body.location, _kustomization(names))
    if file.startswith("values") and names.isdisjoint(("apiVersion", "metadata")):
        return Notice(body.location, f"values of a Helm chart, no manifest: render the chart ({RENDER})")
    if "kind" in names:
        return None
    if file in ("Chart.yaml", "Chart.yml") or (names >= CHART and "metadata" not in names and "spec" not in names):
        return Notice(body.location, f"a Helm chart's own description, no manifest: render the chart ({RENDER})")
    if "apiVersion" not in names:
        return Notice(body.location, "no Kubernetes resource (it has neither apiVersion nor kind): it is not read")
    # Grafana's files of data sources and dashboards.
    if type(body.need("apiVersion").data) is int:
        return Notice(body.location, "no Kubernetes resource (its apiVersion is a number): it is not read")
    return None


def named(body: Value, *fields: str) -> Iterator[str]:
    """The places of the files and folders that these fields of a kustomization name; none where it is none.

    Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/.
    """
    if not is_kustomization_of(body):
        return
    for value in filter(None, map(body.get, fields)):
        for item in value.data if isinstance(value.data, tuple) else ():
            path = item.get("path") if item.is_mapping else item
            # An item of the oldest field of patches is a path, or the text of a patch.
            if path is not None and isinstance(path.data, str) and "\n" not in path.data:
                yield in_folder(body, path.data)


def place(file: str) -> str:
    """What is the same for each way to write where a file is; the revision of git before it (main:k8s/a.yaml) stays."""
    revision, colon, path = file.replace("\\", "/").rpartition(":")
    return f"{revision}{colon}{normpath(path)}"


def is_kustomization(file: str) -> bool:
    """Whether kustomize takes a file for a kustomization."""
    return own_name(file) in KUSTOMIZATIONS


def is_kustomization_of(body: Value) -> bool:
    """Whether a document is a kustomization."""
    return body.is_mapping and _is_kustomization(body, frozenset(body.names()), own_name(body.location.file))


def stands_within(resource: Resource, places: Sequence[str]) -> bool:
    """Whether a resource stands in one of these files and folders (none: wherever)."""
    return not places or "." in places or is_within(resource.location.file, places)


def is_within(file: str, places: Sequence[str]) -> bool:
    """Whether a file is one of these, or in one of these folders."""
    own = place(file)
    return any(
        own == one or own.startswith(f"{one.rstrip('/')}/") or (one == "." and not own.startswith(("/", "../")))
        for one in places
    )


def own_name(file: str) -> str:
    """The name of a file without its folder, and without a revision of git."""
    return file.replace("\\", "/").rpartition("/")[2].rpartition(":")[2]


def in_folder(body: Value, path: str) -> str:
    """The place of a file that a document names from its own folder."""
    file = body.location.file.replace("\\", "/")
    return place(file[: len(file) - len(own_name(file))] + path)


def patch(body: Value) -> Notice:
    """What is said of a document that a kustomization applies as a patch."""
    return Notice(body.location, f"a patch of a kustomization, no manifest: {KUSTOMIZE}")


def file_of_intents(body: Value) -> Notice | None:
    """What is said of a file of intents, which may stand beside the manifests that it is about."""
    items = body.items() if isinstance(body.data, tuple) else ()
    if items and all(one.is_mapping and not INTENT.isdisjoint(one.names()) for one in items):
        return Notice(body.location, "a file of intents, no manifest: meshproof test -t reads it", NO_PART)
    return None


def list_of_others(body: Value) -> Notice | None:
    """What is said of a file of data, which is a list in JSON; one in YAML may be a part of a manifest, cut off."""
    items = body.items() if isinstance(body.data, tuple) else ()
    patching = any(one.is_mapping and frozenset(one.names()) >= PATCHING for one in items)
    if not own_name(body.location.file).endswith(".json") or patching or "apiversion" in words(body):
        return None
    return Notice(body.location, "no Kubernetes resource (a list, where apiVersion stands nowhere): it is not read")


def _is_kustomization(body: Value, names: frozenset[str], file: str) -> bool:
    kind, version = body.get("kind"), body.get("apiVersion")
    if kind is not None:
        known = version is None or str(version.data).startswith("kustomize.config.k8s.io/")
        return kind.data in ("Kustomization", "Component") and known
    written_out = version is None and bool(names) and names <= LISTS | CHANGES and not file.startswith("values")
    return file in KUSTOMIZATIONS or written_out


def _kustomization(names: frozenset[str]) -> str:
    changes = sorted(names & CHANGES)
    verb = "change" if len(changes) > 1 or "".join(changes).endswith("s") else "changes"
    told = f", so its {', '.join(changes)} {verb} nothing here" if changes else ""
    return f"a kustomization, which is not built here{told}: {KUSTOMIZE}"


def words_in(text: str) -> Iterator[str]:
    """The words of a text, in lower case."""
    return (found[0].lower() for found in WORD.finditer(text))


def words(body: Value) -> frozenset[str]:
    """Every word that stands in a document."""
    found: set[str] = set()
    left = [body.data]
    while left:
        data = left.pop()
        if isinstance(data, dict):
            found.update(word for name in data for word in words_in(name))
            left += [one.data for one in data.values()]
        elif isinstance(data, tuple):
            left += [one.data for one in data]
        else:
            found.update(words_in(str(data)))
    return frozenset(found)
