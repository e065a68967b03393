"""Label selectors, and whether labels are selected.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from meshproof.errors import ManifestError
from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass

Holds = Callable[[str | None, Collection[str]], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """`holds` tells it for a label's value (None: the label is missing); `valued` whether it wants values."""

    holds: Holds
    valued: bool


OPERATORS = {
    "In": Operator(lambda value, wanted: value in wanted, valued=True),
    "NotIn": Operator(lambda value, wanted: value not in wanted, valued=True),
    "Exists": Operator(lambda value, _: value is not None, valued=False),
    "DoesNotExist": Operator(lambda value, _: value is None, valued=False),
}


def check_selects(selector: Value, pod: Labels) -> None:
    """Raise ManifestError where a selector does not select its own template's labels, or is none."""
    if not labels(selector, "matchLabels") and not selector.list("matchExpressions"):
        raise selector.problem("the selector is empty", "the API server refuses it: give the template's labels")
    wrong = [*_unequal(labels(selector, "matchLabels"), pod), *_unmet(selector, pod)]
    if wrong:
        raise _unselected(selector, wrong[0])


def check_labels(selector: Value, wanted: Labels, pod: Labels) -> None:
    """Raise ManifestError where a selector that is a mapping of labels does not select its template's labels."""
    for wrong in _unequal(wanted, pod):
        raise _unselected(selector, wrong)


def _unselected(selector: Value, wanted: str) -> ManifestError:
    message = f"the selector wants {wanted}, which the template's labels do not have"
    return selector.problem(message, "the API server refuses it: give both the same labels")


def _unequal(wanted: Labels, pod: Labels) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in wanted.items() if pod.get(name) != value)


def check_expressions(selector: Value) -> None:
    """Raise ManifestError where an expression of a selector is none that the API server takes."""
    for _ in _expressions(selector):
        pass


def _unmet(selector: Value, pod: Labels) -> Iterator[str]:
    for key, operator, values in _expressions(selector):
        if not OPERATORS[operator].holds(pod.get(key), values):
            yield " ".join((key, operator, *([f"({', '.join(values)})"] if values else [])))


def _expressions(selector: Value) -> Iterator[tuple[str, str, list[str]]]:
    for expression in selector.list("matchExpressions"):
        key, operator = expression.need("key"), expression.need("operator")
        values = [one.text() for one in expression.list("values")]
        if operator.text() not in OPERATORS:
            raise operator.problem(f"operator must be one of {', '.join(OPERATORS)}, not {operator.shown}")
        found = OPERATORS[operator.text()]
        if found.valued != bool(values):
            wants = "needs values" if found.valued else "takes no values"
            raise expression.problem(f"{operator.text()} {wants}", "the API server refuses it")
        yield key.text(), operator.text(), values
