"""Processor time of one sidecar's whole configuration as folders grow, and how soon one changed weight is in force.

With --istiod, where Go is installed, a real istiod is built (the first time for half an hour and more), given the
same folders and put beside it. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import folder
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.process import process
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.mesh import Mesh
from table import Row, show

SIZES = (10, 100, 1000, 5000)
CHANGED = (10, 1000)
NAMESPACE = "team-0"
ISTIOD = Path(__file__).with_name("istiod")
TIMEOUTS = replace(Timeouts(), config_acknowledged=120.0, envoy_ready=120.0)


@dataclass(frozen=True, slots=True)
class Folder:
    """A generated folder as a file and as a mesh; its pods are made up."""

    services: int
    path: Path
    mesh: Mesh
    addresses: dict[str, tuple[Address, ...]]


def folder_of(services: int, place: Path) -> Folder:
    path = place / f"{services}.yaml"
    path.write_text(folder.text(services), encoding="utf-8")
    mesh = build(load([str(path)]).resources).mesh
    addresses = {
        one.key: (Address(one.key, {port.number: ("127.0.0.1", 20000 + at) for port in one.ports}),)
        for at, one in enumerate(mesh.workloads)
    }
    return Folder(services, path, mesh, addresses)


def whole(given: Folder, runs: int) -> float:
    """Seconds of processor time; each run is for another client, so that none has anything left by another."""
    found = []
    for number in range(runs):
        mesh, proxy = replace(given.mesh), Proxy(namespace=f"team-{number}", labels={"run": str(number)})
        began = time.process_time()
        translate(mesh, proxy, given.addresses)
        found.append(time.process_time() - began)
    return median(found)


def reweighted(mesh: Mesh, weight: int) -> Mesh:
    """The mesh with another split in its first VirtualService."""
    first, *others = mesh.virtual_services
    *rules, last = first.http
    one, other = last.destinations
    split = replace(one, weight=weight), replace(other, weight=100 - weight)
    changed = replace(first, http=(*rules, replace(last, destinations=split)))
    return replace(mesh, virtual_services=(changed, *others))


async def in_force(given: Folder, place: Path, runs: int) -> tuple[float, float]:
    """Seconds from a changed weight to its acknowledgement by an Envoy, and those of them that are translation."""
    parts = []
    async with AdsServer(place / "ads.sock", TIMEOUTS) as ads:
        proxy = Proxy(namespace=NAMESPACE, labels={"app": "client"})
        envoy = await process.start("client", place / "client", ads, TIMEOUTS)
        try:
            await envoy.apply(translate(given.mesh, proxy, given.addresses))
            for number in range(runs):
                mesh = reweighted(given.mesh, 50 + number)
                began = time.perf_counter()
                snapshot = translate(mesh, proxy, given.addresses)
                translated = time.perf_counter()
                await envoy.apply(snapshot)
                parts.append((time.perf_counter() - began, translated - began))
        finally:
            await envoy.stop()
    return median(one for one, _ in parts), median(one for _, one in parts)


def built(place: Path) -> Path:
    """The program that asks a real istiod; it takes what Go's cache has."""
    program = place / "istiod"
    words = ["nice", "go", "build", "-tags", "vtprotobuf", "-o", str(program), "."]
    subprocess.run(words, cwd=ISTIOD, env={**os.environ, "GOFLAGS": "-p=1"}, check=True)
    return program


def of_istiod(program: Path, given: Folder, runs: int) -> tuple[float, float]:
    """Seconds of processor time: one sidecar's configuration, and what istiod works out for all sidecars before."""
    found = []
    for _ in range(runs):
        words = [str(program), str(given.path), NAMESPACE]
        found.append(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))
    return median(one["generate"] for one in found), median(one["context"] for one in found)


def of_size(given: Folder, seconds: float, program: Path | None, runs: int) -> list[Row]:
    """One size of folder, beside a real istiod where there is one."""
    what = f"one sidecar's configuration, {given.services} Services"
    if program is None:
        return [Row(what, seconds, "s")]
    theirs, shared = of_istiod(program, given, runs)
    return [
        Row(what, seconds, "s", 1.5 * theirs, note="aim: 1.5 times istiod's"),
        Row("  istiod's", theirs, "s", note=f"and {shared:.3f} s for all sidecars together"),
    ]


def measure(sizes: Sequence[int], runs: int, istiod: bool) -> Sequence[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mp-") as name:
        place = Path(name)
        program = built(place) if istiod else None
        folders = {size: folder_of(size, place) for size in sizes}
        seconds = {size: whole(given, runs) for size, given in folders.items()}
        for size, given in folders.items():
            rows += of_size(given, seconds[size], program, runs)
        for less, more in pairwise(sizes):
            growth = seconds[more] / seconds[less]
            rows.append(Row(f"growth from {less} to {more} Services", growth, "", more / less))
        force = {}
        for size in CHANGED:
            given = folders.get(size) or folder_of(size, place)
            own = place / f"envoy-{size}"
            own.mkdir()
            force[size], translation = asyncio.run(in_force(given, own, 3 * runs))
            rows.append(Row(f"one changed weight until its ACK, {size} Services", force[size], "s"))
            rows.append(Row("  translation", translation, "s"))
        less, more = CHANGED
        rows.append(Row(f"growth of that from {less} to {more} Services", force[more] / force[less], "", 2.0))
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--istiod", action="store_true", help="put a real istiod beside it (needs Go)")
    given = parser.parse_args(words)
    show(f"translation: medians of {given.runs} runs", measure(given.services, given.runs, given.istiod))


if __name__ == "__main__":
    main()
