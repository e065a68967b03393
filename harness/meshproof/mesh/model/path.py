"""The path of a request as a proxy of the mesh sees it: normalised before any rule is looked at.

Istio's default (pathNormalization DEFAULT, which is BASE) is RFC 3986's normalisation: what is
percent-encoded without need is decoded, dot segments are resolved, a backslash counts as a slash.
Slashes are neither merged nor decoded unless the mesh's configuration says so, and a fragment is cut off. The backend
gets the path so. Since 1.39.3 Envoy
first takes away what follows a semicolon in a dot segment that is written plainly: `/a/..;v=1/b` is `/b`, and
`/a/%2e%2e;v=1/b` is not.
Source: https://istio.io/latest/docs/reference/config/security/normalization/ and
https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-ProxyPathNormalization.
"""

from __future__ import annotations

import re
from functools import lru_cache

from meshproof.mesh.model.mesh_config import PathNormalization

ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
ESCAPED_SLASH = re.compile(r"%(2F|5C)", re.IGNORECASE)
SLASHES = re.compile(r"/{2,}")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
DOT_SEGMENT = re.compile(r"(?<=/)(\.\.?);[^/]*")
# What Envoy's parser takes in a request line.
PRINTABLE = re.compile(r"[!-~]+")
# What no path may have as it stands; Envoy's canonical form of a path has it encoded.
ENCODED = re.compile(r'["<>^`{|}]')


def is_readable(path: str) -> bool:
    """Whether a proxy's parser takes it in a request line at all."""
    return PRINTABLE.fullmatch(path) is not None


@lru_cache(maxsize=1024)
def normalized(path: str, how: PathNormalization = PathNormalization.BASE) -> str | None:
    """The path (with its query, which stays as it is) after normalisation; None for one that is answered with 400."""
    whole = path.partition("#")[0]
    bare, mark, query = whole.partition("?")
    if how is PathNormalization.DECODE_AND_MERGE_SLASHES:
        bare = ESCAPED_SLASH.sub(lambda found: chr(int(found[1], 16)), bare)
    if not is_readable(path) or not bare.startswith(("/", "\\")) or "%00" in bare:
        return None
    bare = DOT_SEGMENT.sub(r"\1", bare)
    encoded = ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", _decoded(bare.replace("\\", "/")))
    found = _resolved(encoded)
    return (found if how is PathNormalization.BASE else _merged(found)) + mark + query


def _merged(path: str) -> str:
    """Slashes that follow one another as one; Envoy keeps the first and the last of a path that has nothing else."""
    return SLASHES.sub("/", path) if path.strip("/") else path[:2]


def _decoded(path: str) -> str:
    """Escapes that nothing needs as characters; where one would become part of another, that one's `%` is encoded."""
    out, at, stray = "", 0, -1
    while at < len(path):
        escape = ESCAPE.match(path, at)
        if escape is None:
            stray = len(out) if path[at] == "%" else stray
            out += path[at]
            at += 1
            continue
        at = escape.end()
        character = chr(int(escape[1], 16))
        if not UNRESERVED.match(character):
            out += escape[0]
            continue
        out += character
        # `%2%61` is a stray `%2` and an `a`; `%2a` would be something else.
        if 0 <= stray >= len(out) - 3 and ESCAPE.match(out[stray:] + path[at : at + 1]):
            out = f"{out[:stray]}%25{out[stray + 1 :]}"
            stray = -1
    return out


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
