"""What every target offers to the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from meshproof.border.books import Books, PodBook
from meshproof.border.facts.captured import Captured
from meshproof.border.load import Vantage
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.manifest import Resource
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.records import dataclass

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Applied:
    """A configuration that every proxy has acknowledged: its version, and seconds from push to the last ACK."""

    version: str
    seconds: float


class Pod(Protocol):
    """One replica of a workload that takes commands of the harness. Every method raises TargetError."""

    pod: str
    workload: str

    async def hold(self) -> None:
        """From now on requests are received and counted, but not answered until release()."""

    async def release(self) -> None: ...

    async def held(self, least: int = 0, within: float = 0.0) -> int:
        """How many requests are held, as soon as `least` are or after `within` seconds."""

    async def fail(self, status: int = 503, *, count: int | None = None, reset: bool = False) -> None:
        """Answer the next `count` requests (None: all) with `status`, or reset their connections."""

    async def heal(self) -> None: ...

    async def latency(self, seconds: float) -> None: ...

    async def only_first(self, tries: int | None) -> None:
        """Let only the first `tries` of each request be held, failed or delayed; None: all of them."""

    async def block(self) -> None:
        """New connections are neither accepted nor refused until unblock(); those that are open go on."""

    async def shut(self) -> None:
        """Every connection is reset, and new ones are refused, until unblock()."""

    async def unblock(self) -> None: ...

    async def books(self, *, requests: bool = True) -> PodBook:
        """What it received since the books were opened; `requests` False gives the counts alone."""


@dataclass(frozen=True, slots=True)
class Host:
    """One endpoint of a cluster as a proxy sees it."""

    cluster: str
    pod: str
    ejected: bool


class LiveMesh(Protocol):
    """One running mesh, made for one scenario and removed after it."""

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Put a configuration in force; returns when every proxy has acknowledged it.

        May be called again while traffic runs. Raises TargetError.
        """

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """Where the load generator has to run to send these requests, and what it connects to."""

    async def open_books(self) -> None:
        """Begin to count: books() says what was counted from now on."""

    async def books(self) -> Books:
        """What the workloads and the proxies counted since the books were opened."""

    def pods(self, workload: str = "") -> Sequence[Pod]:
        """The replicas of one workload (`namespace/name`), or of all."""

    async def gauges(self) -> Sequence[Mapping[str, int]]:
        """What each client's proxy counts at this moment (Envoy's own names)."""

    async def counters(self) -> Mapping[str, int]:
        """What the client's proxy has counted since it was started; the sum where there are several clients."""

    async def hosts(self) -> Sequence[Host]:
        """The endpoints that the client's proxy knows, the first one's where there are several clients."""

    async def at_rest(self) -> None:
        """Wait until no proxy has a request under way to any workload; raises TargetError."""

    async def check(self) -> None:
        """Ask every part whether it answers; raises TargetError naming the one that does not."""

    async def watch(self) -> None:
        """Never returns; raises TargetError as soon as a part of the mesh ends."""

    async def save_state(self, folder: Path) -> None:
        """Write the proxies' configuration dumps and statistics to files, so that a failure can be examined."""

    async def close(self) -> None:
        """Leave nothing behind."""


@runtime_checkable
class Attributing(Protocol):
    """A live mesh whose workloads' answers do not name their pod: it finds the pod of each observation."""

    def attributed(self, batch: Sequence[Observation]) -> Sequence[Observation]: ...


@runtime_checkable
class Nearby(Protocol):
    """A live mesh whose proxies and workloads run on this machine: it knows the PIDs of what was started for each."""

    def pids(self) -> Iterable[int]: ...


@runtime_checkable
class Remote(Protocol):
    """A live mesh on other machines, whose loads are sent by a command that runs there."""

    async def sending(self, requests: Sequence[Request]) -> Vantage:
        """`vantage(requests).unresolved`, as soon as apply() has come so far that it is known."""


class Target(Protocol):
    """An environment for live meshes. `features` are the capabilities that scenarios may ask for."""

    @property
    def name(self) -> str: ...

    @property
    def features(self) -> frozenset[str]: ...

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what traffic passes through (Envoy, Istio, Kubernetes), as far as they are known by now."""

    @property
    def namespace(self) -> str:
        """The namespace of every object that names none, and of the client."""

    @property
    def timeouts(self) -> Timeouts:
        """The limits of all waits."""

    @property
    def local(self) -> bool:
        """Whether load generators run on this machine, so that they may start before the target is up."""

    def preflight(self) -> None:
        """Check options, programs and ports before anything is started; raises UsageError and TargetError."""

    def unsupported(self, mesh: Mesh) -> Iterable[Unmodelled]:
        """What of a mesh it does not carry out, with the requests that touches."""

    async def up(self) -> None: ...

    def mesh(
        self,
        name: str,
        requests: Sequence[Request] = (),
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        workers: int = 0,
    ) -> LiveMesh:
        """A mesh of its own for the scenario of that name, which sends only these requests; not started yet.

        Proxies that none of the requests enters by need not be started; without requests all are. `namespace` is
        the one that the scenario is prepared for (empty: the target's own), `labels` are those of its client, where
        the target has the feature AnyClient. `workers` is how many processes send, each by a client's proxy of its own;
        0: one does, with no master.
        """

    async def down(self) -> None: ...


@runtime_checkable
class LaneTarget(Protocol):
    """A target whose lanes are namespaces: meshes run side by side in them, and one after another in each."""

    @property
    def lanes(self) -> int:
        """How many may be in use at once."""

    async def lane(self, number: int) -> str:
        """The namespace of a lane, counted from 0, created when it does not exist yet; raises TargetError."""


@runtime_checkable
class Redacting(Protocol):
    """A target with words that must not appear in reports, such as the names of hosts."""

    def redacted(self, text: str) -> str:
        """The text with a label in the place of each such word."""


@runtime_checkable
class Standing(Protocol):
    """A target that may be held against what runs there already: `is_standing` tells that nothing is applied."""

    @property
    def is_standing(self) -> bool: ...

    async def running(self, namespaces: Iterable[str]) -> Captured:
        """What runs, without credentials, the workloads of these namespaces among it; raises TargetError."""


@runtime_checkable
class Inspectable(Protocol):
    """A target that can be inspected, beside driving load through it or instead."""

    async def facts(self, kind: type[Facts]) -> Facts:
        """The facts of that kind as they are now; raises TargetError, also for a kind that it does not have."""
