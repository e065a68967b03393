"""The test data of Istio's own analyzers, from the Go module, made such that a cluster would take it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MODULE = "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad"
ANALYSIS = "pkg/config/analysis"
CASE = re.compile(r"\{\n\t\tname:(.*?)\n\t\},\n", re.DOTALL)
MESSAGE = re.compile(r"\{msg\.(\w+), \"([^\"]+)\"\}")
CODE = re.compile(r"name: \"(\w+)\"\n\s+code: (IST\d+)")
KUBERNETES_PROTOCOLS = ("TCP", "UDP", "SCTP")


@dataclass(frozen=True, slots=True)
class Expected:
    """One message: its code, and the object in the analyzer's words (`Kind namespace/name`, or `Kind name`)."""

    code: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case of analyzers_test.go."""

    name: str
    analyzer: str
    files: tuple[str, ...]
    expected: tuple[Expected, ...]


def analysis_folder() -> Path:
    """Where Go keeps the module's sources, which it fetches when they are not there."""
    ended = subprocess.run(["go", "mod", "download", "-json", MODULE], capture_output=True, text=True, check=True)
    return Path(json.loads(ended.stdout)["Dir"]) / ANALYSIS


def cases(folder: Path) -> Iterator[Case]:
    """The cases, with the codes of messages.yaml."""
    codes = dict(CODE.findall((folder / "msg/messages.yaml").read_text()))
    text = (folder / "analyzers/analyzers_test.go").read_text()
    for body in CASE.findall(text[text.index("var testGrid") :]):
        given = body.split("meshConfigFile")[0].split("analyzer:")[0]
        analyzer = re.search(r"analyzer:\s+&?([\w.]+)", body)
        messages = [(codes[name], *what.split(" ", 1)) for name, what in MESSAGE.findall(body)]
        yield Case(
            body.split('"')[1],
            analyzer[1] if analyzer else "",
            tuple(re.findall(r'"(testdata/[^"]+)"', given)),
            tuple(Expected(*one) for one in messages),
        )


def objects(folder: Path, files: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The objects of some files, those of Lists one by one."""
    for file in files:
        for one in yaml.safe_load_all((folder / "analyzers" / file).read_text()):
            if isinstance(one, dict):
                yield from one["items"] if one.get("kind") == "List" else [one]


def mended(one: dict[str, Any]) -> dict[str, Any]:
    """An object with what the analyzers do without, and a cluster does not: else nothing but its refusal is told."""
    one["metadata"]["name"] = one["metadata"]["name"].lower()
    if "spec" in one or one["kind"] == "Pod":
        spec = one.setdefault("spec", {})
        if not one["apiVersion"].startswith("gateway.networking"):
            MENDERS.get(one["kind"], lambda _, __: None)(spec, one["metadata"])
    return one


def _pod(spec: dict[str, Any], _: dict[str, Any]) -> None:
    spec.setdefault("containers", [{"name": "app", "image": "registry.example/app:1"}])
    for number, container in enumerate(spec["containers"]):
        container.setdefault("name", f"app-{number}")
        container.setdefault("image", "registry.example/app:1")


def _deployment(spec: dict[str, Any], metadata: dict[str, Any]) -> None:
    template = spec.setdefault("template", {})
    labels = template.setdefault("metadata", {}).setdefault("labels", {"app": metadata["name"]})
    spec["selector"] = {"matchLabels": dict(labels)}
    _pod(template.setdefault("spec", {}), metadata)


def _service(spec: dict[str, Any], _: dict[str, Any]) -> None:
    for number, port in enumerate(spec.get("ports", ())):
        if "type" not in spec:
            port.pop("nodePort", None)
        if port.get("protocol", "TCP") not in KUBERNETES_PROTOCOLS:
            port.setdefault("name", f"{port['protocol'].lower()}-{number}")
            port["protocol"] = "TCP"


def _gateway(spec: dict[str, Any], _: dict[str, Any]) -> None:
    servers = spec.setdefault(
        "servers", [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["mended.example.com"]}]
    )
    for number, server in enumerate(servers):
        if "port" in server:
            server["port"]["name"] = f"{server['port'].get('name', 'port')}-{number}"


def _virtual_service(spec: dict[str, Any], metadata: dict[str, Any]) -> None:
    for rule in spec.get("http", ()):
        if "route" in rule:
            rule["route"] = [aim for aim in rule["route"] if aim]
    aims = [aim["destination"]["host"] for rule in spec.get("http", ()) for aim in rule.get("route", ())]
    spec.setdefault("hosts", [next((aim for aim in aims if "*" not in aim), metadata["name"])])
    if not any(spec.get(name) for name in ("http", "tcp", "tls")):
        spec["http"] = [{"route": [{"destination": {"host": "mended.example.com"}}]}]


MENDERS = {
    "Pod": _pod,
    "Deployment": _deployment,
    "Service": _service,
    "Gateway": _gateway,
    "VirtualService": _virtual_service,
}
