"""A mirror whose copies reach no pod is no pass: nobody who asks notices that they are lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder

HELLO = (folder("scenarios") / "canary" / "helloworld.yaml").read_text()
RULES = """
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: helloworld}
spec:
  host: helloworld
  subsets: [{name: v1, labels: {version: v1}}, {name: shadow, labels: {version: SHADOW}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: helloworld}
spec:
  hosts: [helloworld]
  http:
  - route: [{destination: {host: helloworld, subset: v1}}]
    mirrors:
    - {destination: {host: helloworld, subset: shadow}, percentage: {value: SHARE}}
"""


def verification(tmp_path: Path, shadow: str, share: str, **options: object) -> Verification:
    text = HELLO + RULES.replace("SHADOW", shadow).replace("SHARE", share)
    (tmp_path / "mesh.yaml").write_text(text)
    return prepare_verification([str(tmp_path / "mesh.yaml")], [], (), Precision(), **options)


@pytest.mark.parametrize(("shadow", "share", "proved"), [("v2", "100", True), ("v9", "100", False), ("v9", "0", True)])
def test_it_is_told_with_its_line_where_copies_are_made(tmp_path: Path, shadow: str, share: str, proved: bool) -> None:
    found = [(one.kind, one.why, one.location.line) for one in verification(tmp_path, shadow, share).coverage.unproved]
    line = next(number for number, text in enumerate((HELLO + RULES).splitlines(), 1) if "- {destination:" in text)
    why = "no pod stands behind helloworld.default, subset shadow, so no copy arrives anywhere"
    assert found == ([] if proved else [("mirror", why, line)])


@pytest.mark.parametrize("name", ["mirror", "VirtualService"])
def test_a_person_may_allow_it(tmp_path: Path, name: str) -> None:
    (one,) = verification(tmp_path, "v9", "50", allowed=frozenset({name})).coverage.unproved
    assert one.allowed
