"""What one client sees of a mesh: the predictions of its requests, and what of them is not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, Tls, parse
from meshproof.border.source import Source
from meshproof.errors import Location
from meshproof.intents.written import Rules, rules_of
from meshproof.manifest.resource import Resource
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.model.virtual_service import HttpRoute, TcpRoute
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.clients.sources import parsed
from meshproof.records import dataclass


@dataclass(frozen=True)
class View:
    """A mesh as `client` sees it.

    `resources` are what it was made of, `unmodelled` is what of it is not understood, `tls` what the client brings to
    handshakes; short names are those of Services in `namespace`.
    """

    mesh: Mesh
    client: Source
    resources: Sequence[Resource] = ()
    unmodelled: Sequence[Unmodelled] = ()
    tls: Tls | None = None
    namespace: str = "default"
    _dependencies: Dependencies = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_dependencies", Dependencies(self.mesh, self.unmodelled))

    def of(self, client: str) -> View:
        """The view of the client that a person names (empty: of this one); raises UsageError."""
        return replace(self, client=parsed(client, self.client.namespace, self.mesh)) if client else self

    def request(self, written: str | Request, gateway: str = "") -> Request:
        """A request as this client sends it; raises UsageError."""
        if gateway and "/" not in gateway:
            gateway = f"{self.client.namespace}/{gateway}"
        one = parse(written, gateway=gateway) if isinstance(written, str) else written
        if gateway and not one.gateway:
            one = replace(one, gateway=gateway)
        called = from_namespace(self.mesh, one, self.namespace, self.client.namespace)
        return entering(self.mesh, called, self.tls)

    def expectation(self, request: Request) -> Expectation:
        """What is predicted of a request."""
        return predict(self.mesh, request, self.client)

    def touching(self, expectation: Expectation) -> tuple[Unmodelled, ...]:
        """What a request depends on and is not understood."""
        found: tuple[Unmodelled, ...] = ()
        if self.unmodelled:
            about = facts(self.mesh, expectation, self.client)
            found = self._dependencies.touching(about)
        return (*found, *undecided(self.mesh, expectation))

    @cached_property
    def written(self) -> Rules:
        """The rules as they are written."""
        return rules_of(self.resources)

    def root(self, rule: Location | None) -> Location | None:
        """The place of the rule that delegates to a rule, its own where none does."""
        found = routes(self.mesh).get(rule) if rule else None
        return (found.root if isinstance(found, HttpRoute) else None) or rule


def routes(mesh: Mesh) -> Mapping[Location, HttpRoute | TcpRoute]:
    """The rules of a mesh by their places."""
    several = mesh.virtual_services
    return mesh.once(("intents", "rules"), lambda: {rule.location: rule for one in several for rule in one.rules})
