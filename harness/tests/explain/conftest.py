"""Requests explained from YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.explain.explained import explain
from meshproof.explain.explanation import Explanation
from meshproof.explain.folder import read

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}, {name: http-more, port: 9081}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews-v1}
spec:
  replicas: 3
  selector: {matchLabels: {app: reviews, version: v1}}
  template:
    metadata: {labels: {app: reviews, version: v1}}
    spec: {containers: [{name: c, image: example/reviews:1}]}
---
"""
Explained = Callable[..., Explanation]


@pytest.fixture
def explained(tmp_path: Path) -> Explained:
    """Explain a request to the Service `reviews` and what is written beside it, in `more.yaml`."""

    def make(more: str, request: str = "GET http://reviews:9080/x", *, bare: bool = False, **how: str) -> Explanation:
        (tmp_path / "service.yaml").write_text("" if bare else SERVICE)
        (tmp_path / "more.yaml").write_text(more)
        found = read([str(tmp_path)], parse(request), namespace="default", **how)
        return explain(found.built, found.request, found.source)

    return make
