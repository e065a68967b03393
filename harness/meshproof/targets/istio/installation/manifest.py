"""A rendered manifest of Istio (`istioctl manifest generate`, `helm template`), applied and deleted."""

from __future__ import annotations

from pathlib import Path

import yaml

from meshproof.bounded import read_file
from meshproof.errors import ManifestError, UsageError
from meshproof.manifest.compose import read_documents
from meshproof.manifest.plain import plain
from meshproof.targets.kube.api.connection import Cluster

DEFINITION = "CustomResourceDefinition"
LISTS = ("List",)
# Istio's whole default profile has 2 MB.
LARGEST = 16 << 20


def split(path: Path) -> tuple[str, str]:
    """Its CustomResourceDefinitions, and everything else, each as YAML: the former are applied first."""
    try:
        text = read_file(path, LARGEST).decode()
        documents = [plain(one.body) for one in read_documents(text, str(path))]
    except (OSError, ValueError, ManifestError) as error:
        raise UsageError(f"{path} cannot be read as a manifest of Istio: {error}") from None
    flat = [item for one in documents for item in (_items(one) if _kind(one) in LISTS else (one,))]
    wrong = next((one for one in flat if not _kind(one)), None)
    if wrong is not None or not flat:
        raise UsageError(f"{path} is no manifest: {'it is empty' if not flat else 'a document of it has no kind'}")
    definitions = [one for one in flat if _kind(one) == DEFINITION]
    others = [one for one in flat if _kind(one) != DEFINITION]
    return _dump(definitions), _dump(others)


async def apply(cluster: Cluster, path: Path) -> None:
    """Apply it; TargetError with what the cluster refuses."""
    definitions, others = split(path)
    limit = cluster.timeouts.istio_install
    arguments = ("apply", "--server-side", "--field-manager", "meshproof", "--force-conflicts", "-f", "-")
    kubectl = cluster.kubectl.within("")
    if definitions:
        what = f"applying the kinds that {path} defines"
        await kubectl.run(*arguments, stdin=definitions.encode(), timeout=limit, what=what)
        waiting = ("wait", "--for", "condition=Established", "--timeout", "60s", "-f", "-")
        what = f"waiting for the kinds that {path} defines"
        await kubectl.run(*waiting, stdin=definitions.encode(), timeout=limit, what=what)
    if others:
        await kubectl.run(*arguments, stdin=others.encode(), timeout=limit, what=f"applying {path}")


async def delete(cluster: Cluster, path: Path, *, kinds: bool) -> None:
    """Delete its objects, and with `kinds` its CustomResourceDefinitions; missing ones are no error."""
    definitions, others = split(path)
    arguments = ("delete", "--ignore-not-found", "--wait=false", "-f", "-")
    kubectl = cluster.kubectl.within("")
    for text in (others, definitions if kinds else ""):
        if text:
            limit = cluster.timeouts.istio_uninstall
            await kubectl.run(*arguments, stdin=text.encode(), timeout=limit, what=f"deleting what {path} has")


def _items(document: dict[str, object]) -> list[object]:
    listed = document.get("items")
    return listed if isinstance(listed, list) else []


def _kind(document: object) -> str:
    return str(document.get("kind", "")) if isinstance(document, dict) else ""


def _dump(documents: list[object]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False) if documents else ""
