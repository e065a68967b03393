"""A VirtualService that delegates, and one that it delegates to."""

from __future__ import annotations

ROOT = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: root}}
spec:
  hosts: [greeter]
  http:
  - {root}
    delegate: {{name: part}}
  - directResponse: {{status: 404}}
"""


PART = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: part{place}}}
spec:
{spec}
  http:
  - {part}
"""


TO_V2 = "route: [{destination: {host: greeter, subset: v2}}]"


def written(root: str, part: str, *, place: str = "", spec: str = "") -> str:
    return ROOT.format(root=root) + PART.format(part=part, place=place, spec=spec)
