"""The requests of cases, driven on real Envoys by the project's own verification."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from conformance_asked import Asked, requests
from conformance_attached import attachments
from conformance_held import differences, fails
from conformance_suite import Case, objects
from meshproof.border.expectation import Expectation
from meshproof.border.request import TLS, Tls
from meshproof.border.source import DEFAULT_CLIENT, source
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.judge import NoErrors, Split
from meshproof.manifest import load
from meshproof.manifest.plain import plain
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.certificates import lacking, secret
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.predict.gateways.handshake import served_certificate
from meshproof.mesh.requests.addresses import entering
from meshproof.report.events import CheckFinished, Event
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared
from meshproof.run.session import Session
from meshproof.run.verification.clients.guessed import Sent
from meshproof.run.verification.loads import loads
from meshproof.run.verification.specification import Specification
from meshproof.targets.embedded.target import EmbeddedTarget

# Features of which slow and failing answers show something.
TIMED = ("Timeout", "Retry", "RetryBackoff", "RetryConnectionError")
# Certificates stand in for those of the suite: a client trusts what is served, whatever names it is for.
CLIENT = Tls(any_name=True)


@dataclass(frozen=True, slots=True)
class Planned:
    """One case before it is driven: its loads, how much it asks, and what is already known to be otherwise.

    `failing` are the requests that the case wants to fail, `refused` the loads (by their names) that have no others.
    """

    case: Case
    loads: tuple[Prepared, ...]
    asked: int
    attached: int
    wrong: tuple[str, ...]
    failing: frozenset[str]
    refused: frozenset[str]


def planned(sources: Path, case: Case, folder: Path, precision: Precision) -> Planned:
    """What is predicted of a case is held against what the suite wants, and made ready to be driven."""
    folder.mkdir(parents=True)
    several = list(objects(sources, case))
    wanted = requests(case, several, CLIENT)
    wrong: list[str] = []
    driven: list[Prepared] = []
    failing: set[str] = set()
    refused: set[str] = set()
    attached = 0
    for number, group in enumerate(_grouped(wanted)):
        first = group[0] if group else None
        kept = [one for one in several if first is None or _key(one) not in first.without]
        specification = _specified(folder / str(number), kept, group, precision)
        group = [_trusting(specification.mesh, one) for one in group]
        if number == 0:
            held = list(attachments(case, specification.mesh))
            attached = len(held)
            wrong += [one for one in held if one]
        expected = [specification.expectation(one.request) for one in group]
        wrong += _wrong(specification, group, expected)
        failing |= {str(one.request) for one in expected if fails(one)}
        if not wrong and expected:
            samples, probes, resilience, _ = loads(Sent(specification, expected, []), (), proxyless=True).driven
            timed = any(one.endswith(TIMED) for one in case.features)
            made = [one for one in (samples, probes, resilience if timed else None) if one]
            if all(map(fails, expected)):
                refused |= {_name(case, len(driven) + at) for at in range(len(made))}
            elif any(map(fails, expected)):
                made = [_with_errors(one) for one in made]
            driven += made
    return Planned(case, tuple(driven), len(wanted), attached, tuple(wrong), frozenset(failing), frozenset(refused))


def _name(case: Case, number: int) -> str:
    return f"{case.name}-{number}"


def _key(one: dict[str, dict[str, str]]) -> str:
    return f"{one['metadata'].get('namespace')}/{one['metadata']['name']}"


def _grouped(wanted: Sequence[Asked]) -> list[list[Asked]]:
    """The requests of one client to one state of the cluster together, in their order; at least one group."""
    groups: dict[tuple[object, ...], list[Asked]] = {}
    for one in wanted:
        groups.setdefault((one.namespace, *one.labels.items(), one.without), []).append(one)
    return [*groups.values()] or [[]]


def _specified(
    folder: Path, several: Sequence[dict[str, dict[str, str]]], group: Sequence[Asked], precision: Precision
) -> Specification:
    folder.mkdir()
    for number, one in enumerate(several):
        (folder / f"{number:03}-{one['kind']}-{one['metadata']['name']}.yaml").write_text(yaml.safe_dump(one))
    # The manifests are all that there is in the cluster: only certificates, which the suite makes itself, stand in.
    for one in lacking(_built(folder).mesh, [one.request.host for one in group]):
        (folder / f"{one.namespace}-{one.name}.yaml").write_text(yaml.safe_dump(plain(secret(one).body)))
    found, client = _built(folder), group[0] if group else None
    sender = source(client.namespace, client.labels) if client else DEFAULT_CLIENT
    return Specification((str(folder),), found, found, precision, sender, CLIENT)


def _built(folder: Path) -> Built:
    return build_all(load([str(folder)], strict=False))


def _trusting(mesh: Mesh, asked: Asked) -> Asked:
    """The same request, of a client that trusts the certificate that is served for its name."""
    request = asked.request
    if request.scheme not in ("https", TLS):
        return replace(asked, request=entering(mesh, request))
    for gateway in mesh.gateways:
        for server in gateway.servers if gateway.called == request.gateway else ():
            here = server.port == request.port and any(covers(one, request.host) for one in server.hosts)
            if here and server.ends_tls:
                ca = served_certificate(mesh, gateway, server.tls)
                return replace(asked, request=replace(request, tls=replace(CLIENT, ca=ca)))
    return replace(asked, request=entering(mesh, request))


def _with_errors(prepared: Prepared) -> Prepared:
    """Without the check that nothing is answered with an error: the case wants some, whose status Answers holds."""
    return replace(prepared, checks=tuple(one for one in prepared.checks if not isinstance(one, NoErrors)))


def _wrong(specification: Specification, group: Sequence[Asked], expected: Sequence[Expectation]) -> Iterator[str]:
    for asked, found in zip(group, expected, strict=True):
        for part in specification.touching(found):
            yield f"{asked.request}: not proved: {part.subject}: {part.why}"
        for difference in differences(asked, found):
            yield f"{asked.request}: {difference}"


def verdicts(folder: Path, several: Iterable[Planned]) -> dict[str, list[Verdict]]:
    """Drive all loads, each on a mesh of its own; the verdicts of each case."""
    named: dict[str, Prepared] = {}
    for one in several:
        for number, prepared in enumerate(one.loads):
            name = _name(one.case, number)
            named[name] = replace(prepared, name=name, plan=replace(prepared.plan, scenario=name))
    found: dict[str, list[Verdict]] = {one.case.name: [] for one in several}
    folder.mkdir()

    class Collecting:
        def handle(self, event: Event) -> None:
            if isinstance(event, CheckFinished):
                found[event.verdict.scenario.rpartition("-")[0]].append(event.verdict)

        def close(self) -> None:
            pass

    async def run() -> None:
        session = Session(EmbeddedTarget({}), folder, [Collecting()], Options())
        try:
            await session.open([*named], ["steady"])
            await session.run_all([*named.values()])
        finally:
            await session.close()

    asyncio.run(run())
    return found


def not_passed(of: Planned, several: Iterable[Verdict]) -> Iterator[str]:
    """The verdicts that are none of a mesh that does as the suite wants.

    Of requests that are to fail Answers holds the status; that no pod got its share is what is wanted. Where all of a
    load are to fail, all of them must.
    """
    for one in several:
        wanted = one.check == Split.__name__ and one.request in of.failing
        if one.check == NoErrors.__name__ and one.outcome is Outcome.FAILED and one.scenario in of.refused:
            wanted = one.reason.strip().startswith(f"{one.n} of {one.n} requests ")
        if not wanted and one.outcome not in (Outcome.PASSED, Outcome.SKIPPED):
            yield f"{one.check} {one.outcome.value}: {one.request} {one.reason}"
