"""An explanation for programs: plain data, for JSON and YAML."""

from __future__ import annotations

from typing import Any

from meshproof.errors import Location
from meshproof.explain.explanation import Destination, Entry, Explanation, Object, Setting
from meshproof.explain.misses import holds_credential, shown, worded
from meshproof.explain.render.text import Quote, hiding, summary

Data = dict[str, Any]
VERSION = 1


def document(explanation: Explanation, quote: Quote) -> Data:
    """All of it; what is empty is left out of the parts, never of the whole."""
    found = explanation.expectation
    return {
        "version": VERSION,
        "request": str(found.request),
        "from": str(explanation.source) if not found.request.gateway else "",
        "gateway": found.request.gateway,
        "summary": list(summary(explanation)),
        "answered": not explanation.unanswered,
        "unanswered": explanation.unanswered,
        "refused": found.refused,
        "undecided": found.undecided,
        "status": found.status,
        "route": _place(found.route, quote),
        "way": [_object(one, quote) for one in explanation.way],
        "rules": [_entry(one, quote) for one in explanation.entries],
        "destinations": [_destination(one, quote) for one in explanation.destinations if not one.mirror],
        "mirrors": [_destination(one, quote) for one in explanation.destinations if one.mirror],
        "effects": [_setting(one, quote) for one in explanation.effects],
        "beside": [_object(one, quote) for one in explanation.beside],
        "notUnderstood": [_object(one, quote) for one in explanation.unmodelled],
        "notices": [_object(one, quote) for one in (*explanation.notices, *explanation.elsewhere)],
    }


def _place(place: Location | None, quote: Quote) -> Data | None:
    if place is None:
        return None
    return {"file": place.file, "line": place.line, "column": place.column, "text": quote(place)}


def _object(one: Object, quote: Quote) -> Data:
    return _full({"object": one.what, "says": one.says, "at": _place(one.location, quote)})


def _entry(one: Entry, quote: Quote) -> Data:
    miss = one.miss and shown(one.miss)
    failed = miss and {
        "on": miss.on,
        "wanted": f"{'' if miss.asked else 'not '}{miss.wanted}",
        "found": miss.found if miss.there else None,
        "known": miss.known,
        "says": worded(miss),
        "at": _place(miss.location, hiding if holds_credential(miss) else quote),
    }
    return _full(
        {
            "owner": one.owner,
            "name": one.name,
            "outcome": one.outcome,
            "at": _place(one.rule, quote),
            "match": _place(one.match, quote),
            "condition": failed,
            "by": _place(one.by, quote),
            "says": one.why,
        }
    )


def _destination(one: Destination, quote: Quote) -> Data:
    return _full(
        {
            "destination": one.name,
            "share": one.share,
            "port": one.port,
            "note": one.note,
            "at": _place(one.location, quote),
            "pods": [
                {
                    "workload": pods.workload,
                    "kind": pods.kind,
                    "replicas": pods.replicas,
                    "at": _place(pods.location, quote),
                }
                for pods in one.pods
            ],
            "subset": _object(one.subset, quote) if one.subset else None,
            "hashOf": one.by_hash,
            "policy": [_setting(each, quote) for each in one.settings],
        }
    )


def _setting(one: Setting, quote: Quote) -> Data:
    return _full(
        {
            "name": one.name,
            "value": one.value,
            "origin": one.origin,
            "inForce": one.counts,
            "at": _place(one.location, quote),
        }
    )


def _full(data: Data) -> Data:
    return {name: value for name, value in data.items() if value not in (None, "", [])}
