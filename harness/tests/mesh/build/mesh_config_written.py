"""The mesh configuration in a ConfigMap, and rules for it to be about."""

from __future__ import annotations

ROUTED = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [greeter]
  http:
  - match: [{uri: {prefix: /own}}]
    retries: {attempts: 1}
    route: [{destination: {host: greeter}}]
  - match: [{uri: {prefix: /a/b}}]
    directResponse: {status: 418}
  - route: [{destination: {host: greeter}}]
"""


def config_map(*lines: str, name: str = "istio", namespace: str = "istio-system", more: str = "") -> str:
    text = "".join(f"    {line}\n" for line in lines)
    head = f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n"
    return f"{head}  mesh: |-\n{text}{more}"
