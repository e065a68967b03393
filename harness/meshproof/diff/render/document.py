"""A comparison for programs: plain data, for JSON."""

from __future__ import annotations

from typing import Any

from meshproof.diff.comparison import Change, Comparison
from meshproof.diff.render.lines import summary
from meshproof.errors import Location
from meshproof.mesh.model.unmodelled import Unmodelled

Data = dict[str, Any]
VERSION = 1
MOST_REQUESTS = 20


def document(found: Comparison) -> Data:
    """All of it; of the requests that change alike the first ones, and their number."""
    return {
        "version": VERSION,
        "same": found.is_same,
        "summary": summary(found),
        "objects": found.objects,
        "tried": found.tried,
        "changes": [_change(one) for one in found.changes],
        "notKnown": [{**_part(one.part), "how": one.how} for one in found.opaque],
        "notTried": [{"about": _place(place), "requests": number} for place, number in found.left_out],
        "clientsNotTried": found.clients,
        "notUnderstood": [_part(one) for one in found.standing],
    }


def _change(one: Change) -> Data:
    return {
        "about": one.about,
        "host": one.host,
        "from": str(one.source) if one.source else "",
        "old": one.old,
        "new": one.new,
        "all": one.whole,
        "requests": [str(request) for request in one.requests[:MOST_REQUESTS]],
        "count": len(one.requests),
        "before": _place(one.before),
        "after": _place(one.after),
        "otherRule": one.other_rule,
    }


def _part(one: Unmodelled) -> Data:
    return {"object": one.subject or one.kind, "why": one.why, "at": _place(one.location)}


def _place(place: Location | None) -> Data | None:
    return {"file": place.file, "line": place.line, "column": place.column} if place else None
