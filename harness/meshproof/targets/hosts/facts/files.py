"""Many small files of a host, read by one command."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from meshproof.records import dataclass
from meshproof.targets.hosts.connection import Connection

SCRIPT = """for f in {patterns}; do
  [ -f "$f" ] || continue
  printf '=%s\\n' "$f"
  base64 < "$f" 2>/dev/null || printf '!\\n'
done"""


@dataclass(frozen=True, slots=True)
class Files:
    """Texts by their paths, and the paths of files that this user may not read."""

    texts: dict[str, str]
    unreadable: tuple[str, ...]

    def get(self, path: str) -> str:
        return self.texts.get(path, "").strip()


async def read(connection: Connection, patterns: Sequence[str], *, root: bool = False) -> Files:
    """All files that match these shell patterns, which are constants of this program and no input."""
    listed = await connection.must(SCRIPT.format(patterns=" ".join(patterns)), root=root, what="reading files")
    texts: dict[str, str] = {}
    unreadable: list[str] = []
    for part in listed.decode(errors="replace").split("=/")[1:] if listed else []:
        path, _, encoded = ("/" + part).partition("\n")
        try:
            texts[path] = base64.b64decode(encoded).decode(errors="replace")
        except binascii.Error:
            encoded = "!"
        if encoded.strip() == "!":
            texts.pop(path, None)
            unreadable.append(path)
    return Files(texts, tuple(unreadable))
