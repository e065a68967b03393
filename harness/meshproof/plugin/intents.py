"""The fixture `intent`, which decides an intent by prediction: no mesh is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meshproof.errors import UsageError
from meshproof.plugin.run import NoVerdict

if TYPE_CHECKING:
    from meshproof.border.intents.intent import Intent, Never
    from meshproof.run.verification.specification import Specification

ID_CHARACTERS = 80


def pytest_make_parametrize_id(val: object) -> str | None:
    """An intent is called by its name, or by its request."""
    if type(val).__module__ != "meshproof.border.intents.intent":
        return None
    from meshproof.redaction.credentials import redact

    return redact(str(val))[:ID_CHARACTERS]


@pytest.fixture(scope="session")
def intent_folders() -> dict[tuple[Any, ...], Specification]:
    """The manifests that have been read, once for all tests of a session."""
    return {}


@pytest.fixture
def intent(request: pytest.FixtureRequest, intent_folders: dict[tuple[Any, ...], Specification]) -> Callable[..., None]:
    """Call it with an Intent (or a Never) and manifests beside the test: passes, or fails with the rule that took it.

    `intent(case, "k8s/", namespace="shop")`, or a list of them as a Scenario has it; what is not
    understood fails as well. A Scenario with `intents` proves the same on a mesh.
    """

    def call(wanted: Intent | Never, *manifests: str | Path | Sequence[str | Path], namespace: str = "default") -> None:
        __tracebackhide__ = True
        from meshproof.border.verdict import Outcome
        from meshproof.intents.stated import refuse_unstated
        from meshproof.redaction.credentials import redact
        from meshproof.run.intents.predicted import hosts, predict_intents
        from meshproof.run.verification.reading import specified

        several = (one for each in manifests for one in ((each,) if isinstance(each, str | Path) else each))
        files = tuple(str(request.path.parent / one) for one in several)
        try:
            refuse_unstated((wanted,))
            if not files:
                raise UsageError("intent needs manifests: intent(case, 'k8s/')")
            # Certificates stand in for what a host is asked for, so other hosts are another reading.
            key = (files, namespace, hosts((wanted,)))
            if key not in intent_folders:
                intent_folders[key] = specified(files, namespace=namespace, hosts=key[2])
            predicted = predict_intents(intent_folders[key], (wanted,), namespace)
        except UsageError as error:
            raise NoVerdict(str(error), error.exit_code) from None
        wrong = [one for one in predicted.cases if one.outcome is not Outcome.PASSED]
        if wrong:
            pytest.fail(redact("\n".join(f"{one.asked} {one.outcome}: {one.reason}" for one in wrong)), pytrace=False)

    return call
