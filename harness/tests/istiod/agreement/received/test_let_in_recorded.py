"""Who is known to be let in by pods was let in by their sidecars, on meshes drawn at random.

Recorded with a real istiod and real Envoys by test_let_in.py.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from known import read, wrong

RECORD = Path(__file__).parent / "let_in.jsonl.gz"
# So much of what was recorded is known, at the least.
LET_IN, REFUSED = 1500, 600


def test_who_is_known_to_be_let_in_was_let_in() -> None:
    found = [one for sent in read(RECORD) for one in sent]
    assert [*wrong(found)] == []
    counts = Counter(one.predicted for one in found)
    assert counts[True] > LET_IN
    assert counts[False] > REFUSED
