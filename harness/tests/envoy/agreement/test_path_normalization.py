"""Paths as each pathNormalization of the mesh's configuration has them, within the mesh and at a gateway."""

from __future__ import annotations

import pytest

RULES = """  - match: [{uri: {prefix: /a/b}}]
    route: [{destination: {host: web, subset: v1}}]
  - route: [{destination: {host: web, subset: v2}}]
"""
CONFIG = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "pathNormalization: {normalization: MODE}"}
"""
PATHS = (
    *(
        "/a/b",
        "/a//b",
        "//a/b",
        "/a%2Fb",
        "/a%2f%2Fb",
        "/a%5Cb",
        "/a%5c%2fb",
        "/a/x/..//b",
        "/a%2F..%2Fa/b",
        "/%2e%2F/a/b",
    ),
    *(
        "/a/b//",
        "/a/b%2F",
        "/a%252Fb",
        "/a/b?x=//%2F",
        "/a\\\\b",
        "/a/./b",
        "/x%2F..%2Fa%2Fb",
        "/a;/b",
        "/a%2",
        "/%2F",
        "//",
        "///",
    ),
)


@pytest.mark.parametrize("mode", ["BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"])
def test_paths_come_as_predicted(meet, at_both, mode: str) -> None:
    requests = [one for path in PATHS for one in at_both(path)]
    found = meet(RULES + CONFIG.replace("MODE", mode), requests)
    assert [(str(one.expectation.request), one.difference) for one in found if one.difference] == []
    assert {"v1", "v2"} <= {one.version for one in found}
