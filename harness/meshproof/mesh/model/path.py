"""The path of a request as a proxy of the mesh sees it: normalised before any rule is looked at.

Istio's default (pathNormalization DEFAULT, which is BASE) is RFC 3986's normalisation: what is
percent-encoded without need is decoded, dot segments are resolved, a backslash counts as a slash.
Slashes are neither merged nor decoded, and a fragment is cut off. The backend gets the path so.
Source: https://istio.io/latest/docs/reference/config/security/normalization/ and
https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-ProxyPathNormalization.
"""

from __future__ import annotations

import re

ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
# What no path may have as it stands; Envoy's canonical form of a path has it encoded.
ENCODED = re.compile(r'["<>^`{|}]')


def normalized(path: str) -> str | None:
    """The path (with its query, which stays as it is) after normalisation; None for one that is answered with 400."""
    whole = path.partition("#")[0]
    bare, mark, query = whole.partition("?")
    if not bare.startswith(("/", "\\")) or "%00" in bare or not bare.isascii():
        return None
    decoded = ESCAPE.sub(lambda found: _decoded(found[0]), bare.replace("\\", "/"))
    encoded = ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", decoded)
    return _resolved(encoded) + mark + query


def _decoded(escape: str) -> str:
    character = chr(int(escape[1:], 16))
    return character if UNRESERVED.match(character) else escape


def _resolved(path: str) -> str:
    """Dot segments removed (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path[1:].split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
