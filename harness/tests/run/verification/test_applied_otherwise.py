"""A request that no applied rule takes is told with the object that is applied otherwise."""

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Precision
from meshproof.judge.expectations import taken_by
from meshproof.run.verification.verification import prepare_verification

MANIFESTS = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - redirect: {uri: /new}
"""


@pytest.mark.parametrize("instead", ["  hosts: [shops]", "  hosts: [shop]\n  exportTo: [other]"])
def test_the_virtual_service_that_no_longer_decides_is_named(tmp_path: Path, instead: str) -> None:
    specified, applied = tmp_path / "specified.yaml", tmp_path / "applied.yaml"
    specified.write_text(MANIFESTS)
    applied.write_text(MANIFESTS.replace("  hosts: [shop]", instead))
    asked = [parse("http://shop/")]
    found = prepare_verification([str(specified)], [str(applied)], asked, Precision())
    plan = next(one.plan for one in found.driven)
    told = taken_by(plan, 0, 0)
    assert told.endswith(f": VirtualService default/shop is another one at {applied}:6:1")
