"""What every target offers to the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from meshproof.border.books import Books, PodBook
from meshproof.border.load import Vantage
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.manifest import Resource
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Applied:
    """A configuration that every proxy has acknowledged: its version, and seconds from push to the last ACK."""

    version: str
    seconds: float


class Pod(Protocol):
    """One replica of a workload that obeys the harness. Every method raises TargetError."""

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
    """One running mesh, made for one scenario and gone after it."""

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Put a configuration in force; returns when every proxy has acknowledged it.

        May be called again while traffic runs. Raises TargetError.
        """

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """Where the load generator has to stand to send these requests."""

    async def open_books(self) -> None:
        """Begin new books: what is counted from now on."""

    async def books(self) -> Books:
        """What the workloads and the proxies counted since the books were opened."""

    def pods(self, workload: str = "") -> Sequence[Pod]:
        """The replicas of one workload (`namespace/name`), or of all."""

    async def gauges(self) -> Mapping[str, int]:
        """What the client's proxy counts at this moment (Envoy's own names)."""

    async def counters(self) -> Mapping[str, int]:
        """What the client's proxy has counted since it was started (Envoy's own names)."""

    async def hosts(self) -> Sequence[Host]:
        """The endpoints that the client's proxy knows."""

    async def at_rest(self) -> None:
        """Wait until no proxy has a request under way to any workload; raises TargetError."""

    async def check(self) -> None:
        """Ask every part for a sign of life; raises TargetError naming the one that gives none."""

    async def watch(self) -> None:
        """Return never; raises TargetError as soon as a part of the mesh dies."""

    async def save_state(self, folder: Path) -> None:
        """Write the proxies' configuration dumps and statistics, for whoever looks into a failure."""

    async def close(self) -> None:
        """Leave nothing behind."""


@runtime_checkable
class Attributing(Protocol):
    """A live mesh whose workloads do not say themselves who they are: it finds that out for each observation."""

    def attributed(self, batch: Sequence[Observation]) -> Sequence[Observation]: ...


@runtime_checkable
class Remote(Protocol):
    """A live mesh that is far from here, and so is what sends loads to it."""

    async def sending(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """What vantage() will say of where these are sent from, as soon as that is known in apply()."""


class Target(Protocol):
    """A place for live meshes. `features` are the capabilities that scenarios may ask for."""

    @property
    def name(self) -> str: ...

    @property
    def features(self) -> frozenset[str]: ...

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what traffic really passes through (Envoy, Istio, Kubernetes), those known so far."""

    @property
    def namespace(self) -> str:
        """Where everything stands that names no namespace, and the client too."""

    @property
    def timeouts(self) -> Timeouts:
        """The limits of every wait for it."""

    @property
    def local(self) -> bool:
        """Whether load generators run on this machine, so that they may start before the target is up."""

    def preflight(self) -> None:
        """Look for everything that must be there before anything is started; raises UsageError and TargetError."""

    def unsupported(self, mesh: Mesh) -> Iterable[Unmodelled]:
        """What of a mesh it does not carry out, with the requests that touches."""

    async def up(self) -> None: ...

    def mesh(self, name: str, requests: Sequence[Request] = (), namespace: str = "") -> LiveMesh:
        """A mesh of its own for the scenario of that name, which sends only these requests; not started yet.

        Proxies that none of them enters by need not be there; without requests all are. `namespace` is the
        one that it is prepared for (empty: the target's own).
        """

    async def down(self) -> None: ...


@runtime_checkable
class LaneTarget(Protocol):
    """A target on which meshes stand beside one another in namespaces of their own, one after another in each."""

    @property
    def lanes(self) -> int:
        """How many may be in use at once."""

    async def lane(self, number: int) -> str:
        """The namespace of a lane, counted from 0, made when it is not there yet; raises TargetError."""


@runtime_checkable
class Redacting(Protocol):
    """A target that some words of are not to be told, such as the names of hosts."""

    def redacted(self, text: str) -> str:
        """The text with something else in their place."""


@runtime_checkable
class Inspectable(Protocol):
    """A target that can say what it is made of, beside driving load through it (or instead)."""

    async def facts(self, kind: type[Facts]) -> Facts:
        """The facts of that kind as they are now; raises TargetError, also for a kind that it does not know."""
