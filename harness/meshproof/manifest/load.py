"""Manifests to resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from meshproof.border.facts.provenance import Digest
from meshproof.collector import collector_paused
from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest import captured, kinds
from meshproof.manifest.compose import Document
from meshproof.manifest.documents.lists import expanded
from meshproof.manifest.documents.other_files import (
    is_kustomization_of,
    list_of_others,
    other_file,
    patch,
    words,
    words_in,
)
from meshproof.manifest.documents.read import documents
from meshproof.manifest.documents.unread import Unread, unread
from meshproof.manifest.identify import check_fields, check_names, identified
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import AGAIN, BESIDE, Manifests, Notice, Patch, Refusal, Resource
from meshproof.manifest.source import STDIN, in_other_languages, texts, unsearched
from meshproof.manifest.syntax.languages import language_of
from meshproof.manifest.syntax.templates import YTT_LANGUAGE
from meshproof.manifest.value import Value
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.manifest.documents.patches import Kustomizations

MOST_PROBLEMS, MOST_NAMED = 20, 6
# So many documents take a second or so.
PROGRESS = 2_000
Choice = Callable[[Sequence[Unread]], Sequence[Unread]]
Progress = Callable[[int], None]


@collector_paused()
def load(
    paths: Sequence[str],
    *,
    stdin: TextIO | None = None,
    namespace: str = "default",
    strict: bool = True,
    choose: Choice | None = None,
    progress: Progress | None = None,
    contents: Iterable[tuple[str, bytes]] | None = None,
    digests: bool = True,
) -> Manifests:
    """Read files, folders and `-` (standard input); `namespace` is given to what names none.

    `strict` raises ManifestError with every problem found (20 at most), each with file:line:col; else each
    document with a problem is a Refusal, and the rest is read. Either way ManifestError where nothing can be
    read at all, and UsageError for a path that is not there. Where `choose` is given, no other documents are read
    than those that it picks by their text. `contents` are files by their names that are read in place of `paths`.
    `progress` is told of every 2,000th document. `digests` of the files are made for who writes down what was read.
    """
    read = _Read(namespace)
    sources: list[Digest] = []
    seen = sources.append if digests else None
    several = texts(paths, stdin, contents, seen, read.no_text)
    for number, document in enumerate(_documents(several, choose), 1):
        if progress and number % PROGRESS == 0:
            progress(number)
        if isinstance(document, Refusal):
            read.refuse(document)
        else:
            read.take_all(document)
    problems = [problem for refusal in read.refusals for problem in refusal.problems]
    if problems and (strict or not (read.resources or read.foreign)):
        raise ManifestError(*problems[:MOST_PROBLEMS])
    if not read.resources and not read.foreign:
        where = read.notices[0].location if read.notices else Location(paths[0] if paths else "", 1, 1)
        readable = ", ".join(name for name in kinds.ACCEPTED if "." not in name)
        hint = f"this is {read.others[0][0].message}" if read.others else f"it reads {readable}"
        raise ManifestError(Problem(where, "there is no resource here that meshproof reads", hint))
    if contents is None:
        read.notices += _beside(paths)
    return Manifests(
        tuple(read.resources),
        tuple(_together(read.notices)),
        tuple(read.foreign),
        tuple(read.refusals),
        tuple(sources),
        tuple(read.others),
        read.complete,
        (*(read.kustomizations.found() if read.kustomizations else ()), *read.patches),
    )


def _together(notices: Iterable[Notice]) -> Iterator[Notice]:
    """One notice for all that say the same: a folder may hold hundreds of what decides no request."""
    several: dict[tuple[str, str], list[Notice]] = {}
    for one in notices:
        several.setdefault((one.topic, one.message), []).append(one)
    for first, *more in several.values():
        text = f"{first.message}; so it is with {len(more)} more, up to {more[-1].location}" if more else first.message
        yield replace(first, message=text)


def _beside(paths: Sequence[str]) -> Iterator[Notice]:
    """What a folder holds in subfolders and in other languages, of which kubectl says nothing either."""
    for path in dict.fromkeys(paths):
        folder = Path(path)
        try:
            others = unsearched(folder) if path != STDIN and folder.is_dir() else []
            foreign = in_other_languages(folder) if path != STDIN and folder.is_dir() else {}
        except OSError:
            continue
        for language, files in foreign.items():
            listed = ", ".join((*files[:MOST_NAMED], *(["…"] if len(files) > MOST_NAMED else [])))
            text = f"{listed}: {language.name}, which is not read; {language.hint}"
            yield Notice(Location(str(path), 1, 1), text, BESIDE)
        named = [one for one in others if not any(Path(each).is_relative_to(folder / one) for each in paths)]
        if named:
            listed = ", ".join((*named[:MOST_NAMED], *(["…"] if len(named) > MOST_NAMED else [])))
            text = (
                f"manifests in subfolders are not read: {listed}; name those that belong to it as well, or all with -R"
            )
            yield Notice(Location(str(path), 1, 1), text, BESIDE)


def _documents(several: Iterable[tuple[str, str]], choose: Choice | None) -> Iterator[Document | Refusal]:
    """What is to be read of these files and texts."""
    if choose is None:
        for file, text in several:
            yield from documents(text, file)
        return
    for one in choose([one for file, text in several for one in unread(text, file)]):
        yield from one.documents


@dataclass(slots=True)
class _Read:
    """What has been read so far."""

    namespace: str
    resources: list[Resource] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    foreign: list[Resource] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    seen: dict[tuple[str, str, str], Resource] = field(default_factory=dict)
    others: list[tuple[Notice, str]] = field(default_factory=list)
    kustomizations: Kustomizations | None = None
    patches: list[Patch] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def no_text(self, data: bytes, error: ManifestError) -> None:
        """Refuse a file that is no text; its names are ASCII in whatever it is written, UTF-16 too."""
        found = frozenset(words_in(data.replace(b"\0", b"").decode("latin-1")))
        said = _sha256(data)
        self.refusals.append(Refusal(error.problems[0].location, error.problems, words=found, digest=said))

    def refuse(self, document: Refusal) -> None:
        """Sort in a text that cannot be read.

        JSON with comments, as many tools have it, is no manifest; nor are values for ytt.
        """
        where = document.location
        mere = "apiversion" not in document.words and not document.overlay
        if mere and document.problems[0].message == YTT_LANGUAGE.message:
            self.notices.append(Notice(where, "no Kubernetes resource (values or code of ytt): it is not read"))
            return
        other = where.file.endswith(".json") and "apiversion" not in document.words
        patching = self.kustomizations if self.kustomizations and self.kustomizations.patches(where) else None
        if patching:
            patching.refuse(where)
        if other and not patching:
            text = "no Kubernetes resource (no JSON, and apiVersion stands nowhere): it is not read"
            language = language_of(where.file)
            self.notices.append(Notice(where, f"{language.message}: {language.hint}" if language else text))
        else:
            self.refusals.append(document)

    def take_all(self, document: Document) -> None:
        """Sort in one document, or each item of a list."""
        if self.kustomizations and self.kustomizations.patches(document.body.location):
            told = patch(document.body)
            self.notices.append(told)
            self.others.append((told, _digest(document.body)))
            self.kustomizations.take(document.body)
            return
        try:
            several = list(expanded(document))
        except ManifestError as error:
            several = [Document(document.body, (*document.problems, *error.problems))]
        for one in several:
            self.take(one)

    def took_kept(self, body: Value) -> bool:
        """Sort in what a run has kept of a document that it did not read as it stood; whether this is that."""
        from meshproof.manifest.documents.kept import kept

        found = kept(body, lambda one: identified(one, self.namespace))
        if isinstance(found, Refusal):
            self.refusals.append(found)
        elif found:
            self.patches += found
        return found is not None

    def took_kustomization(self, body: Value) -> None:
        """Read what may be a kustomization; most folders have none."""
        if is_kustomization_of(body):
            from meshproof.manifest.documents.patches import Kustomizations

            self.kustomizations = self.kustomizations or Kustomizations()
            self.kustomizations.add(body)

    def _namespace_of(self, body: Value) -> str:
        """The namespace of a resource that states none."""
        file = body.location.file
        if file not in self.given:
            stated = self.kustomizations.namespace(file) if self.kustomizations else ""
            self.given[file] = stated or self.namespace
        return self.given[file]

    def _placed(self, found: Resource | Notice) -> Resource | Notice:
        """What a kustomization gives a namespace says so itself from here on: whoever is handed it alone needs it."""
        if not self.kustomizations or isinstance(found, Notice) or found.namespace in ("", self.namespace):
            return found
        fields = found.body.content
        if type(fields) is not dict:
            return found
        content, *place = fields.get("metadata", (None, 0, 0, None))
        if type(content) is not dict or (content.get("namespace") or (None,))[0] is not None:
            return found
        metadata = ({**content, "namespace": (found.namespace, place[0], place[1], None)}, *place)
        return replace(found, body=found.body.written({**fields, "metadata": metadata}))

    def take(self, document: Document) -> None:
        """Sort one document in."""
        body, problems = document.body, list(document.problems)
        known, before = None, None
        if captured.is_own(body) and self.took_kept(body):
            return
        try:
            found = self._placed(identified(body, self._namespace_of(body)))
            known = found if isinstance(found, Resource) else None
            if known and captured.is_cluster(known):
                self.complete = True
            if isinstance(found, Notice):
                self.notices.append(found)
                if other_file(body) if body.is_mapping else list_of_others(body):
                    self.took_kustomization(body)
                    self.others.append((found, _digest(body)))
                return
            problems += _problems(found)
            if not problems and (first := self.seen.setdefault(found.identity, found)) is not found:
                if plain(first.body) == plain(body):
                    text = f"{found} is given again as it stands at {first.location}: it counts once"
                    self.notices.append(Notice(found.location, text, AGAIN))
                    return
                before = first.location
                message = f"{found} is given twice, first at {before}"
                problems.append(Problem(found.location, message, "keep one of the two"))
        except ManifestError as error:
            problems += error.problems
        if problems:
            several = tuple(problems)
            told = (frozenset[str](), "") if known else (words(body), _digest(body))
            self.refusals.append(Refusal(body.location, several, known, *told, before))
        elif known is not None:
            (self.resources if kinds.is_modelled(known) else self.foreign).append(known)


def _digest(body: Value) -> str:
    return _sha256(repr(plain(body)).encode("utf-8", "surrogatepass"))


def _sha256(data: bytes) -> str:
    # It brings OpenSSL along, and most folders have nothing to be told apart by it.
    from hashlib import sha256

    return sha256(data).hexdigest()


def _problems(resource: Resource) -> list[Problem]:
    """What the API server would refuse in a resource of a kind that is read."""
    found: list[Problem] = []
    if not kinds.is_modelled(resource):
        return found
    for examine in (check_names, check_fields):
        try:
            examine(resource)
        except ManifestError as error:
            found += error.problems
    return [*dict.fromkeys(found)]
