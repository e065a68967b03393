"""What kustomizations change: which resources a patch is for, and whether it can decide a request.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/, and the two older fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meshproof.manifest.compose import Document
from meshproof.manifest.documents.other_files import PATCHES, in_folder, is_kustomization_of, words, words_in
from meshproof.manifest.documents.read import documents
from meshproof.manifest.fields.kubernetes import WORKLOADS
from meshproof.manifest.resource import Patch
from meshproof.manifest.value import Value

# Of what makes pods, requests are decided by these alone.
DECIDING = frozenset({"labels", "matchlabels", "ports", "containerport", "selector"})
# kustomize takes the names of targets for regular expressions.
PLAIN = re.compile(r"[A-Za-z0-9.-]*")


def written_in(body: Value) -> Iterator[tuple[Patch, str]]:
    """The patches of a kustomization; none where it is none.

    With each the place of its file where what it says stands there (empty: it counts whatever any file says). A file
    whose documents name their own resources has none.
    """
    if not is_kustomization_of(body):
        return
    for field in PATCHES:
        value = body.get(field)
        for item in value.data if value and isinstance(value.data, tuple) else ():
            text = item.get("patch") if item.is_mapping else item
            # An item of the oldest field is a path or a text.
            inline = text is not None and isinstance(text.data, str) and (item.is_mapping or "\n" in text.data)
            said = frozenset(words_in(text.text())) if text is not None and inline else frozenset()
            target = item.get("target") if item.is_mapping else None
            if target is None:
                several = _documents(text) if text is not None and inline else []
                yield from ((patch, "") for one in several for patch in _decided(_own(one, item), said))
                continue
            aimed = Patch(item.location, _text(target, "kind"), _text(target, "name"))
            if inline:
                yield from ((patch, "") for patch in _decided([aimed], said))
            elif path := _text(item, "path", any_text=True):
                yield aimed, in_folder(body, path)


def written_as(body: Value, aimed: Iterable[Patch]) -> Iterator[Patch]:
    """What a document of a file of patches changes: the resource that it names, and those that it is `aimed` at."""
    return _decided([*_own(body, body), *aimed], words(body))


def _own(body: Value, place: Value) -> list[Patch]:
    metadata = body.get("metadata") if body.is_mapping else None
    kind = _text(body, "kind") if body.is_mapping else ""
    return [Patch(place.location, kind, _text(metadata, "name") if metadata else "")] if kind else []


def _decided(found: Iterable[Patch], said: frozenset[str]) -> Iterator[Patch]:
    """Those that can decide a request, by the words that they say."""
    deciding = not DECIDING.isdisjoint(said)
    return (one for one in found if deciding or one.kind not in WORKLOADS)


def _documents(text: Value) -> list[Value]:
    found = documents(text.text(), text.location.file, text.location.line)
    return [one.body for one in found if isinstance(one, Document)]


def _text(holder: Value | None, name: str, *, any_text: bool = False) -> str:
    found = holder.get(name) if holder is not None and holder.is_mapping else None
    text = found.data if found is not None and isinstance(found.data, str) else ""
    return text if any_text or PLAIN.fullmatch(text) else ""
