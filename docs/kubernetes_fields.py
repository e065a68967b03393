"""The fields of Kubernetes' own kinds, from its published Python client: `python docs/kubernetes_fields.py`.

Writes the table that manifests are checked against (harness/meshproof/manifest/fields/published.txt): in each line a
type and its fields, each with the type of its value.
"""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes
from kubernetes.client import models

TABLE = Path(__file__).parents[1] / "harness/meshproof/manifest/fields/published.txt"
ROOTS = """ServiceSpec PodSpec DeploymentSpec StatefulSetSpec DaemonSetSpec ReplicaSetSpec ReplicationControllerSpec
JobSpec CronJobSpec ObjectMeta"""
SCALARS = {"str": "text", "datetime": "text", "int": "whole", "float": "number", "bool": "flag", "object": "any"}
# Whole numbers or texts (intstr.IntOrString), of which the client says nothing.
EITHER = frozenset(["port", "targetPort", "maxSurge", "maxUnavailable"])
# Numbers or texts (resource.Quantity), of which it says that they are texts.
QUANTITIES = frozenset(["limits", "requests", "overhead", "capacity", "allocatedResources", "sizeLimit", "divisor"])


def table() -> str:
    """The text of the table."""
    lines: dict[str, str] = {}
    waiting = [f"V1{one}" for one in ROOTS.split()]
    while waiting:
        name = waiting.pop()
        if name in lines:
            continue
        model = getattr(models, name)
        fields = {model.attribute_map[one]: kind for one, kind in model.openapi_types.items()}
        written = [f"{one}={_kind(one, kind)}" for one, kind in sorted(fields.items())]
        lines[name] = f"{_short(name)} {' '.join(written)}"
        waiting += (_inner(kind) for one, kind in fields.items() if _is_model(kind) and one not in QUANTITIES)
    head = f"# kubernetes {kubernetes.__version__}, by docs/kubernetes_fields.py"
    return "\n".join((head, *sorted(lines.values()), ""))


def _inner(kind: str) -> str:
    return re.sub(r"^(?:[Ll]ist\[|[Dd]ict[\[(]str, )|[\])]$", "", kind)


def _is_model(kind: str) -> bool:
    return _inner(kind) not in SCALARS and _inner(kind).isalnum()


def _short(name: str) -> str:
    return name.removeprefix("V1")


def _kind(field: str, kind: str) -> str:
    if field in QUANTITIES:
        return "any"
    if kind == "object" and field in EITHER:
        return "either"
    inner = _inner(kind)
    said = SCALARS.get(inner) or (_short(inner) if _is_model(kind) else "any")
    return f"[{said}]" if kind[:4].lower() == "list" else f"{{{said}}}" if kind[:4].lower() == "dict" else said


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
