"""A folder of manifests, read as far as one request can meet it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

from meshproof.border.request import Request, Tls
from meshproof.border.source import Source, source
from meshproof.errors import MeshproofError
from meshproof.manifest import load
from meshproof.manifest.load import Choice, Progress
from meshproof.manifest.source import STDIN
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.coverage.asked import asked
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.answerable import suffices
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What has been read, and the request as its client sends it."""

    built: Built
    request: Request
    source: Source


def read(
    files: Sequence[str],
    request: Request,
    *,
    namespace: str,
    sender: str = "",
    gateway: str = "",
    stdin: TextIO | None = None,
    whole: bool = False,
    tls: Tls | None = None,
    progress: Progress | None = None,
    contents: Sequence[tuple[str, bytes]] | None = None,
) -> Asked:
    """The documents that a request can meet, and all of them where nobody answers it (`whole`: in any case).

    `namespace` is that of what names none, and the client's; `sender` names another client, as a person writes it;
    `gateway` (`namespace/name`) is what the request enters by, whatever else has its host. `contents` are files by
    their names that are read in place of `files`. Raises UsageError.
    """
    named = replace(request, gateway=gateway)

    def of(choose: Choice | None) -> Asked:
        manifests = load(
            files,
            stdin=stdin,
            namespace=namespace,
            strict=False,
            choose=choose,
            progress=progress,
            contents=contents,
            digests=False,
        )
        built = build_all(manifests, standing_in=StandingIn((request.host,)))
        built = replace(built, notices=tuple(dict.fromkeys((*manifests.notices, *built.notices))))
        client = source(namespace)
        if sender:
            from meshproof.mesh.requests.clients.sources import parsed

            client = parsed(sender, namespace, built.mesh)
        called = from_namespace(built.mesh, named, namespace, client.namespace)
        return Asked(built, entering(built.mesh, called, tls), client)

    if whole or STDIN in files:
        return of(None)
    try:
        found = of(asked([named], f"{sender} {gateway}"))
    except MeshproofError:
        return of(None)
    client = found.source
    expectation = predict(found.built.mesh, found.request, client)
    return found if suffices(found.built, [expectation], client.namespace) else of(None)
