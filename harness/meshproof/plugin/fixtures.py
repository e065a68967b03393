"""The fixtures: one run for a whole pytest session, and `verify` for one scenario of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from meshproof.errors import MeshproofError
from meshproof.plugin.run import NAME, NoVerdict, Run, scenario_tests
from meshproof.plugin.signals import ignore_both, taken_over, until_interrupted
from meshproof.plugin.wording import as_pytest

if TYPE_CHECKING:
    from meshproof.inspection import Inspection
    from meshproof.report.events import Handler
    from meshproof.run.session import Session
    from meshproof.scenario import Scenario
    from meshproof.targets.base import Target


@pytest.fixture(scope="session")
def mesh_session(request: pytest.FixtureRequest, mesh_target: Target) -> Iterator[tuple[asyncio.Runner, Session]]:
    """One run for the whole pytest session: the target is up and load generators are shared."""
    from meshproof.border.verdict import Precision
    from meshproof.plugin.breaks import Breaks
    from meshproof.plugin.web import locust_page
    from meshproof.report.run_folder import RunFolder
    from meshproof.run.options import Options
    from meshproof.run.session import Session

    run = request.config.pluginmanager.getplugin(NAME)
    assert isinstance(run, Run)
    option = request.config.getoption
    precision = Precision(
        option("--mesh-alpha"), option("--mesh-beta"), option("--mesh-tolerance") / 100, option("--mesh-max-requests")
    )
    try:
        mesh_target.preflight()
        kept = RunFolder(run.workers.folder())
    except MeshproofError as error:
        raise NoVerdict(str(error), error.exit_code) from None
    run.reports.append(str(kept.report))
    options = Options(precision, option("--mesh-seed"), timeouts=mesh_target.timeouts, workers=option("--mesh-workers"))
    if option("--mesh-locust-web"):
        options = replace(options, locust_page=locust_page(request.config, run.workers.name))
    breaks = Breaks()
    handlers: list[Handler] = [kept, breaks]
    if option("--mesh-web"):
        from meshproof.plugin.web import watched

        try:
            handlers.append(watched(request.config, kept.path, run.workers.name))
        except MeshproofError as error:
            raise NoVerdict(as_pytest(str(error)), error.exit_code) from None
    session = Session(mesh_target, kept.path, handlers, options)
    names = [item.name for item in scenario_tests(request.session)]
    with taken_over(), asyncio.Runner() as runner:
        try:
            command = ("pytest", *request.config.invocation_params.args)
            runner.run(until_interrupted(session.open(names, ["steady"], command=command)))
        except BaseException as error:
            ignore_both()
            code = runner.run(session.close(error))
            if isinstance(error, MeshproofError):
                raise NoVerdict(str(error), code) from None
            raise
        run.driving = True
        yield runner, session
        ignore_both()
        breaks.messages.clear()
        try:
            code = runner.run(session.close(KeyboardInterrupt() if run.interrupted else None))
        except MeshproofError as error:
            breaks.messages.append(str(error))
            code = error.exit_code
    if breaks.messages:
        run.broke("\n".join(breaks.messages), code)


@pytest.fixture
def verify(
    request: pytest.FixtureRequest, mesh_session: tuple[asyncio.Runner, Session]
) -> Callable[[Scenario | Inspection[Any]], None]:
    """Call it with a Scenario whose manifests stand beside the test, or an Inspection: passes, fails or skips."""
    from meshproof.border.verdict import Outcome
    from meshproof.inspection import Inspection
    from meshproof.run.intents.scenario import prepare_scenario

    runner, session = mesh_session

    def call(scenario: Scenario | Inspection[Any]) -> None:
        __tracebackhide__ = True
        precision = session.options.precision.shared(len(scenario_tests(request.session)))
        try:
            if isinstance(scenario, Inspection):
                result = runner.run(until_interrupted(session.inspect(scenario)))
            else:
                namespace, proxyless = session.target.namespace, "ProxylessWorkloads" in session.target.features
                folder = request.path.parent
                prepared = prepare_scenario(scenario, folder, precision, namespace, proxyless=proxyless)
                result = runner.run(until_interrupted(session.run(prepared)))
        except MeshproofError as error:
            raise NoVerdict(str(error), error.exit_code) from None
        if result.outcome is Outcome.ERROR:
            raise NoVerdict(result.reason, MeshproofError.exit_code)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(as_pytest(result.reason))
        if result.outcome is not Outcome.PASSED:
            wrong = [f"{v.check} {v.outcome}: {v.reason}" for v in result.verdicts if v.outcome is not Outcome.PASSED]
            pytest.fail(as_pytest("\n".join(wrong)), pytrace=False)

    return call
