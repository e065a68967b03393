"""What kustomizations change: which resources a patch is for, and whether it can decide a request.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/, and the two older fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from pathlib import PurePosixPath

from meshproof.errors import Location
from meshproof.manifest.compose import Document
from meshproof.manifest.documents.changes import changes, meets
from meshproof.manifest.documents.other_files import (
    PATCHES,
    in_folder,
    is_kustomization_of,
    named,
    place,
    stands_within,
    words,
    words_in,
)
from meshproof.manifest.documents.read import documents
from meshproof.manifest.fields.kubernetes import WORKLOADS
from meshproof.manifest.resource import Patch, Resource
from meshproof.manifest.value import Value
from meshproof.records import dataclass

# Of what makes pods, requests are decided by these alone.
DECIDING = frozenset({"labels", "matchlabels", "ports", "containerport", "selector"})
REPLICAS = "replicas"
NO_PODS = frozenset({REPLICAS, "0"})
# kustomize takes the names of targets for regular expressions.
PLAIN = re.compile(r"[A-Za-z0-9.-]*")


# What a kustomization is made of.
TREE = ("resources", "bases", "components")


@dataclass(slots=True)
class Kustomizations:
    """What the kustomizations that have been read name, by places: the files of their patches, and their trees."""

    _patching: dict[str, set[str]] = field(default_factory=dict)
    _manifests: set[str] = field(default_factory=set)
    _trees: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _namespaces: dict[str, str] = field(default_factory=dict)
    _whole: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _given: dict[str, set[str]] = field(default_factory=dict)
    _aimed: dict[str, list[tuple[Patch, str]]] = field(default_factory=dict)
    _found: list[tuple[Patch, str]] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    _elsewhere: list[tuple[Patch, str, str]] = field(default_factory=list)

    def add(self, body: Value) -> None:
        """Read a document that may be a kustomization."""
        if not is_kustomization_of(body):
            return
        folder = in_folder(body, "")
        self._whole.clear()
        self._given.clear()
        self._manifests.update(named(body, "resources"))
        self._trees[folder] = (*self._trees.get(folder, ()), *named(body, *TREE))
        if stated := _text(body, "namespace"):
            self._namespaces[folder] = stated
        for file in named(body, *PATCHES):
            self._patching.setdefault(file, set()).add(folder)
        self._found += ((one, folder) for one in changes(body))
        self._elsewhere += ((Patch(place, "", ""), file, folder) for place, file in _files(body))
        for one, file in _written_in(body):
            (self._aimed.setdefault(file, []) if file else self._found).append((one, folder))

    def patches(self, location: Location) -> bool:
        """Whether what stands there is a patch of a kustomization that has been read, and of none a manifest."""
        file = place(location.file) if self._patching else ""
        return file in self._patching and file not in self._manifests

    def namespace(self, file: str) -> str:
        """The namespace that the kustomizations give to what stands in a file; empty where none or several do."""
        if not self._namespaces:
            return ""
        if not self._given:
            for folder, stated in self._namespaces.items():
                for one in self._tree(folder):
                    self._given.setdefault(one.rstrip("/"), set()).add(stated)
        own = place(file)
        found = set().union(*(self._given.get(one, ()) for one in (own, *map(str, PurePosixPath(own).parents))))
        return found.pop() if len(found) == 1 else ""

    def take(self, body: Value) -> None:
        """Read a document of a file of patches."""
        file, said = place(body.location.file), words(body)
        self._taken.add(file)
        own = [(one, folder) for one in _own(body, body) for folder in sorted(self._patching[file])]
        for one, folder in (*own, *self._aimed.get(file, ())):
            self._found += ((patch, folder) for patch in _decided([one], said))

    def refuse(self, location: Location) -> None:
        """Leave out a document of a file of patches that cannot be read: it costs what it mentions."""
        self._taken.add(place(location.file))

    def found(self) -> tuple[Patch, ...]:
        """Every patch that can decide a request, with where the resources stand that it is for."""
        several = (*self._found, *self._unread())
        return tuple(dict.fromkeys(replace(one, within=self._tree(folder)) for one, folder in several))

    def _unread(self) -> Iterator[tuple[Patch, str]]:
        """What stands in files and folders that were not read: it may change whatever it is not kept from."""
        for one, file, folder in self._elsewhere:
            if file not in self._taken and file not in self._manifests and file not in self._trees:
                yield from ((aimed, folder) for aimed in [each for each, _ in self._aimed.get(file, ())] or [one])

    def _tree(self, folder: str) -> tuple[str, ...]:
        """All that a kustomization is made of; none, so that it may be anything, where it names nothing."""
        if folder in self._whole:
            return self._whole[folder]
        met: dict[str, None] = {}
        new = list(self._trees[folder])
        while new:
            one = new.pop()
            if one not in met:
                met[one] = None
                new += self._trees.get(one, ())
        return self._whole.setdefault(folder, tuple(met))


def is_for(patch: Patch, one: Resource) -> bool:
    """Whether a patch changes a resource, as far as that can be told."""
    named = patch.kind in ("", one.kind) and patch.name in ("", one.name) and patch.namespace in (None, one.namespace)
    return named and stands_within(one, patch.within) and meets(patch, one)


def _written_in(body: Value) -> Iterator[tuple[Patch, str]]:
    """The patches of a kustomization.

    With each the place of its file where what it says stands there (empty: it counts whatever any file says). A file
    whose documents name their own resources has none.
    """
    for name in PATCHES:
        value = body.get(name)
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


def _files(body: Value) -> Iterator[tuple[Location, str]]:
    """Where a kustomization names the files of its patches, and components; and these."""
    for name in (*PATCHES, "components"):
        value = body.get(name)
        for item in value.data if value and isinstance(value.data, tuple) else ():
            path = item.get("path") if item.is_mapping else item
            if path is not None and isinstance(path.data, str) and "\n" not in path.data:
                yield item.location, in_folder(body, path.data)


def _own(body: Value, place: Value) -> list[Patch]:
    metadata = body.get("metadata") if body.is_mapping else None
    kind = _text(body, "kind") if body.is_mapping else ""
    return [Patch(place.location, kind, _text(metadata, "name") if metadata else "")] if kind else []


def _decided(found: Iterable[Patch], said: frozenset[str]) -> Iterator[Patch]:
    """Those that can decide a request, by the words that they say.

    A number of pods does where it is none, or there were none.
    """
    deciding = not DECIDING.isdisjoint(said) or said >= NO_PODS
    waking = not deciding and REPLICAS in said
    for one in found:
        if deciding or one.kind not in WORKLOADS:
            yield one
        elif waking:
            yield replace(one, waking=True)


def _documents(text: Value) -> list[Value]:
    found = documents(text.text(), text.location.file, text.location.line)
    return [one.body for one in found if isinstance(one, Document)]


def _text(holder: Value | None, name: str, *, any_text: bool = False) -> str:
    found = holder.get(name) if holder is not None and holder.is_mapping else None
    text = found.data if found is not None and isinstance(found.data, str) else ""
    return text if any_text or PLAIN.fullmatch(text) else ""
