"""From manifests to a plan, beside the time that the YAML library alone takes on the same file; memory beside its size.

Processor time, the best of several rounds in which both take turns. Reading to a plan is: load, build, guess sample
requests, predict each. The earlier build is cloned into a temporary folder. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import yaml
from earlier import COMMIT, earlier_build
from folder import text
from meshproof.border.request import Request
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests
from table import Row, show

SMALL, LARGE, FEW, HANDFUL = 1000, 5000, 10, 200
LIMIT = 3600.0
# Runs with the earlier build on its path, which had other names for the same.
EARLIER = """\
import sys, time
from meshproof.manifest import load
from meshproof.mesh.build import build
from meshproof.mesh.witness import witnesses
mesh = build(load([sys.argv[1]]).resources).mesh
began = time.process_time()
witnesses(mesh, namespace="default")
print(time.process_time() - began)
"""


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of an action; what it makes is thrown away afterwards."""
    gc.collect()
    began = time.process_time()
    made = action()
    took = time.process_time() - began
    del made
    return took


def library(file: Path) -> None:
    """The YAML library alone."""
    for _ in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader):
        pass


def plan(file: Path) -> object:
    """From the file to what each sample request must get; all of it is kept, as a run keeps it."""
    manifests = load([str(file)], strict=False)
    built = build_all(manifests)
    requests, _ = sample_requests(built.mesh)
    return manifests, built, [predict(built.mesh, one) for one in requests]


def mesh_of(file: Path) -> Mesh:
    return build_all(load([str(file)], strict=False)).mesh


def prediction(mesh: Mesh) -> float:
    """Processor seconds of a prediction, of requests to the first Services."""
    requests = [
        Request("GET", f"{one.name}.{one.namespace}", 80, headers=headers)
        for one in islice(mesh.services, FEW)
        for headers in ((), (("x-beta", "yes"),))
    ]
    began = time.process_time()
    for _ in range(HANDFUL):
        for one in requests:
            predict(mesh, one)
    return (time.process_time() - began) / len(requests) / HANDFUL


def memory(file: Path, tiny: Path) -> float:
    """How many bytes more a process takes that reads a file to a plan than one that reads a tiny file.

    What both import on the way (OpenSSL has 3 MB of code) does not grow with a file.
    """
    several = []
    for one in (tiny, file):
        argv = [sys.executable, str(Path(__file__)), "--child", str(one)]
        done = subprocess.run(argv, check=True, timeout=LIMIT, capture_output=True, text=True)
        several.append(int(done.stdout))
    return float(several[1] - several[0])


def child(file: str) -> None:
    """Print the most memory that this process had, in bytes, after reading a file."""
    kept = plan(Path(file))
    print(peak())
    del kept


def peak() -> int:
    """Bytes. Linux's getrusage would count the process that this one was forked from, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def guessing(services: int, place: Path) -> tuple[float, float]:
    """Processor seconds in which sample requests are guessed: of this build, and of the earlier one."""
    file = written(place, services)
    mesh = mesh_of(file)
    now = seconds(lambda: sample_requests(mesh))
    argv = [sys.executable, "-c", EARLIER, str(file)]
    environment = earlier_build(place / "earlier")
    done = subprocess.run(argv, check=True, timeout=LIMIT, env=environment, capture_output=True, text=True)
    return now, float(done.stdout)


def written(place: Path, services: int) -> Path:
    file = place / f"{services}.yaml"
    file.write_text(text(services))
    return file


def measure(rounds: int, earlier: int, place: Path) -> Sequence[Row]:
    file, big, tiny = (written(place, services) for services in (SMALL, LARGE, FEW))
    floor, read, planned, large = (float("inf"),) * 4
    for _ in range(rounds):
        floor = min(floor, seconds(lambda: library(file)))
        read = min(read, seconds(lambda: load([str(file)], strict=False)))
        planned = min(planned, seconds(lambda: plan(file)))
    for _ in range(max(1, rounds // 2)):
        large = min(large, seconds(lambda: plan(big)))
    meshes = [mesh_of(tiny), mesh_of(big)]
    least = [float("inf"), float("inf")]
    for _ in range(rounds):
        least = [min(before, prediction(mesh)) for before, mesh in zip(least, meshes, strict=True)]
    del meshes
    rows = [
        Row(f"the YAML library alone, {SMALL} Services", floor, "s"),
        Row("  loading, beside it", read / floor, "×"),
        Row("  reading to a plan, beside it", planned / floor, "×", 3.0),
        Row(
            f"{LARGE} Services beside {LARGE // SMALL} times as long as {SMALL}",
            large / planned / (LARGE / SMALL),
            "×",
            1.2,
        ),
        *(
            Row(
                f"peak memory beside the file's size, {services} Services",
                memory(one, tiny) / (one.stat().st_size - tiny.stat().st_size),
                "×",
                12.0,
            )
            for services, one in ((SMALL, file), (LARGE, big))
        ),
        Row(f"a prediction among {FEW} Services", least[0] * 1e6, "µs"),
        Row(f"  among {LARGE}, beside it", least[1] / least[0], "×", 1.3),
    ]
    if earlier:
        now, before = guessing(earlier, place)
        rows += [
            Row(f"sample requests for {earlier} Services", now, "s"),
            Row(f"  by the build of {COMMIT}", before, "s", note=f"{before / now:.0f} times as long"),
        ]
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--earlier", type=int, default=40, help=f"Services for the build of {COMMIT}, whose time grows with the square"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.child is not None:
        child(given.child)
        return
    with tempfile.TemporaryDirectory() as name:
        show("reading manifests to a plan", measure(given.rounds, given.earlier, Path(name)))


if __name__ == "__main__":
    main()
