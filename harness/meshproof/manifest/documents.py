"""From a file's text to its documents: one that cannot be read costs none of the others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshproof.errors import Location, ManifestError
from meshproof.manifest.compose import compose
from meshproof.manifest.resource import Notice, Refusal
from meshproof.manifest.value import Value

# YAML 1.2, 9.1.2: three hyphens at the beginning of a line separate documents wherever they stand.
SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
WORD = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.*-]*")
KUSTOMIZATION = frozenset(
    {"resources", "bases", "patches", "patchesStrategicMerge", "configMapGenerator", "namePrefix"}
)
KUSTOMIZE = "kubectl kustomize DIR | meshproof verify -f -"
HELM = "helm template DIR | meshproof verify -f -"


def documents(text: str, file: str) -> Iterator[Value | Refusal | Notice]:
    """The documents of a text; one that is no YAML, or broken, is a Refusal, and one of a template a Notice."""
    try:
        yield from list(compose(text, file))
        return
    except ManifestError as error:
        whole = error
    parts = list(_parts(text))
    for line, part in parts:
        try:
            yield from list(compose(part, file, line=line))
        except ManifestError as error:
            yield _broken(part, file, line, whole if len(parts) == 1 else error)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Each document's text with the number of its first line."""
    starts = [0, *(found.start() for found in SEPARATOR.finditer(text))]
    line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if part.strip():
            yield line, part
        line += part.count("\n")


def _broken(part: str, file: str, line: int, error: ManifestError) -> Refusal | Notice:
    where = Location(file, line, 1)
    if TEMPLATE.search(part):
        return Notice(where, f"a Helm template, not a manifest: render it first ({HELM})")
    return Refusal(error.problems[0].location, error.problems, words=frozenset(_words(part)))


def _words(text: str) -> Iterator[str]:
    return (found[0].lower() for found in WORD.finditer(text))


def words(body: Value) -> frozenset[str]:
    """Every word that stands in a document."""
    found: set[str] = set()
    left = [body]
    while left:
        one = left.pop()
        if isinstance(one.data, dict):
            found.update(word for name in one.data for word in _words(name))
            left += one.data.values()
        elif isinstance(one.data, tuple):
            left += one.data
        else:
            found.update(_words(str(one.data)))
    return frozenset(found)


def other_file(body: Value) -> Notice | None:
    """What a mapping is that is no Kubernetes resource, where it is a known kind of file."""
    names = body.fields().keys()
    kind = body.get("kind")
    if (kind is None and names & KUSTOMIZATION and "apiVersion" not in names) or (
        kind is not None and kind.data in ("Kustomization", "Component")
    ):
        return Notice(body.location, f"a kustomization, which is not built here: {KUSTOMIZE}")
    if "kind" not in names and "apiVersion" not in names:
        return Notice(body.location, f"no Kubernetes resource (values of a Helm chart?): it is not read ({HELM})")
    return None
