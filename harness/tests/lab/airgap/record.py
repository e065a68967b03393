"""What real istiod makes of manifests, as its proxies run it: kept to be compared with meshproof's translation."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from airgap import cluster, images, programs
from airgap.cases import NAMESPACE, Case, cases
from airgap.command import output
from airgap.step import Lab
from meshproof.targets.istio.proxy import marker
from meshproof.targets.istio.proxy.convergence import Watched, missing
from meshproof.targets.istio.proxy.sidecar import Sidecar

RECORDS = programs.HERE.parent / "istiod"
CLIENT = "meshproof-record"
SECONDS = 60.0
INTERVAL = 0.3
# Pods' addresses, secrets and certificates differ between clusters; the rest is istiod's translation.
DROPPED = frozenset({"metadata", "transport_socket", "transport_socket_matches", "last_updated", "version_info"})

Json = dict[str, Any]


class Recorder:
    """A client's sidecar and the ingress gateway, asked for what they run."""

    def __init__(self, lab: Lab) -> None:
        self._kubectl = [str(programs.kubernetes["kubectl"].path(lab)), "--context", cluster.CONTEXT]
        self._env = {**os.environ, **cluster.environment(lab)}
        self._revision = int(time.time())
        self.gateway = ""

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        done = subprocess.run(
            [*self._kubectl, *words], input=stdin, capture_output=True, text=True, env=self._env, timeout=SECONDS
        )
        if check and done.returncode:
            raise click.ClickException(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def begin(self) -> None:
        """Apply a client with a sidecar to the namespace, and find the gateway."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": CLIENT,
                "namespace": NAMESPACE,
                "labels": {"sidecar.istio.io/inject": "true", "app": "client"},
            },
            "spec": {
                "containers": [
                    {"name": "client", "image": f"{images.REGISTRY}/pause:{images.PAUSE}", "imagePullPolicy": "Never"}
                ]
            },
        }
        self.kubectl("apply", "-f", "-", stdin=json.dumps(pod))
        self.kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{CLIENT}", "--timeout=50s")
        reported = self.kubectl("-n", "istio-system", "get", "pods", "-l", "istio=ingressgateway", "-o", "name")
        self.gateway = reported.split()[0].removeprefix("pod/")

    def end(self) -> None:
        self.kubectl("-n", NAMESPACE, "delete", "pod", CLIENT, "--ignore-not-found", "--wait=false")
        for kind in ("virtualservice", "gateway.networking.istio.io", "destinationrule", "serviceentry"):
            listed = self.kubectl("-n", NAMESPACE, "get", kind, "-o", "name").split()
            own = [name for name in listed if f"/{marker.NAME}" in name]
            if own:
                self.kubectl("-n", NAMESPACE, "delete", *own, "--ignore-not-found")

    def dump(self, namespace: str, pod: str) -> Json:
        text = self.kubectl(
            "-n", namespace, "exec", pod, "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", "config_dump"
        )
        dumped: Json = json.loads(text)
        return dumped

    def record(self, case: Case) -> Json:
        """Put a case in force, wait until both proxies run it, and keep what they have of it."""
        self._revision += 1
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": case.applied})
        self.kubectl("apply", "-f", "-", stdin=text)
        try:
            marks = marker.manifests(NAMESPACE, self._revision, [{"istio": "ingressgateway"}], "istio-system")
            for mark in marks:
                self.kubectl("apply", "-f", "-", stdin=json.dumps(mark))
            sidecar = self._settled(NAMESPACE, CLIENT, gateway=False)
            gateway = self._settled("istio-system", self.gateway, gateway=True) if case.selectors else None
        finally:
            self.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=true", stdin=text)
        kept: Json = {"manifests": list(case.documents), "sidecar": _kept(sidecar, case.services, gateway=False)}
        if gateway is not None:
            kept["gateway"] = _kept(gateway, case.services, gateway=True)
        return kept

    def _settled(self, namespace: str, pod: str, *, gateway: bool) -> Json:
        until = time.monotonic() + SECONDS
        watched = Watched(Sidecar.__new__(Sidecar), gateway=gateway)
        while True:
            dump = self.dump(namespace, pod)
            lacks = missing(dump, watched, NAMESPACE, self._revision)
            if not lacks:
                return dump
            if time.monotonic() > until:
                raise click.ClickException(f"{pod} lacks {', '.join(lacks)}")
            time.sleep(INTERVAL)


def _each(dump: Mapping[str, Any], part: str) -> Iterable[Json]:
    for config in dump["configs"]:
        yield from config.get(part, ())


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if key not in DROPPED}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value


def _kept(dump: Mapping[str, Any], services: set[str], *, gateway: bool) -> Json:
    clusters = [one["cluster"] for one in _each(dump, "dynamic_active_clusters")]
    tables = [one["route_config"] for one in _each(dump, "dynamic_route_configs")]
    own = [one for one in clusters if one["name"].startswith("outbound|") and one["name"].split("|")[3] in services]
    routes = []
    for table in tables:
        hosts = [one for one in table.get("virtual_hosts", ()) if _belongs(one, services, gateway)]
        if hosts:
            routes.append({**table, "virtual_hosts": hosts})
    return {"clusters": _pruned(own), "routes": _pruned(routes)}


def _belongs(host: Json, services: set[str], gateway: bool) -> bool:
    """Whether a virtual host is of the case, and neither of the marker nor of the cluster's own services."""
    name = host["name"].rpartition(":")[0]
    if name.endswith(".meshproof.internal") or host["name"] in ("allow_any", "block_all") or "inbound" in name:
        return False
    own = name in services
    return own or (not (name.endswith(".svc.cluster.local") and not own) and name not in ("", "inbound|http|0"))


def record(lab: Lab, names: tuple[str, ...]) -> None:
    """Record all cases, or those that are named, into one file for each group."""
    reported = output([programs.istioctl.path(lab), "version", "--remote=false", "--output", "json"], seconds=30)
    version = json.loads(reported)["clientVersion"]["version"]
    folder = RECORDS / version
    folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(lab)
    recorder.begin()
    groups: dict[str, Json] = {}
    for path in folder.glob("*.json"):
        groups[path.stem] = json.loads(path.read_text())
    try:
        for case in cases():
            if names and case.name not in names and case.group not in names:
                continue
            try:
                kept = recorder.record(case)
            except click.ClickException as error:
                kept = {"manifests": list(case.documents), "refused": error.message}
            click.echo(f"{case.group}/{case.name}{': ' + kept['refused'] if 'refused' in kept else ''}", err=True)
            groups.setdefault(case.group, {})[case.name] = kept
    finally:
        recorder.end()
        for group, recorded in groups.items():
            write(folder / f"{group}.json", recorded)


def write(path: Path, recorded: Json) -> None:
    """One case a line: a change shows as the line of its case."""
    lines = [
        f"{json.dumps(name)}:{json.dumps(one, sort_keys=True, separators=(',', ':'))}" for name, one in recorded.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
