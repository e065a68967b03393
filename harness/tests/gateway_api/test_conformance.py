"""The Gateway API's own conformance suite, case by case, on the embedded mesh.

    MESHPROOF_GATEWAY_API=1 pytest harness/tests/gateway_api

It needs Go, which fetches the suite's module at first (tox -e gateway-api). A case passes where everything that its
test asks for is predicted so, and real Envoys do what is predicted: at error rates that are stated, where the suite has
percentages and tries again. What does not pass stands in docs/gateway-api.md with its reason.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from conformance_driven import Planned, not_passed, planned, verdicts
from conformance_suite import Case, module, recorded
from meshproof.border.verdict import Precision

WANTED = "MESHPROOF_GATEWAY_API"
PAGE = Path(__file__).parents[3] / "docs/gateway-api.md"
FAMILIES = ("HTTPRoute", "GRPC", "TLSRoute", "TCPRoute", "Mesh", "ListenerSet", "BackendTLSPolicy", "Gateway")
# Cases that are driven side by side.
TOGETHER = 6
# Of each load of a case.
RATES = Precision()

pytestmark = pytest.mark.skipif(not os.environ.get(WANTED), reason=f"fetches the suite's module with Go: {WANTED}=1")


def listed(text: str) -> dict[str, str]:
    """The cases of the page's tables, each with its reason."""
    found: dict[str, str] = {}
    for table in re.findall(r"<!-- not passed -->(.*?)\n\n", text, re.DOTALL):
        for row in table.strip().splitlines()[2:]:
            names, reason = (cell.strip() for cell in row.strip("|").split("|"))
            found |= dict.fromkeys(re.findall(r"`(\w+)`", names), reason)
    return found


@pytest.fixture(scope="module")
def cases() -> tuple[Path, tuple[Case, ...]]:
    sources = module()
    return sources, recorded(sources)


@pytest.fixture(scope="module")
def plans(cases: tuple[Path, tuple[Case, ...]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Planned]:
    sources, several = cases
    folder = tmp_path_factory.mktemp("gateway-api")
    chosen = [one for one in several if one.name.startswith(FAMILIES)]
    return {one.name: planned(sources, one, folder / one.name, RATES) for one in chosen}


def proves(one: Planned) -> bool:
    """Whether a case asks for anything that a mesh without an API server can show."""
    return bool(one.asked or one.attached)


def test_what_is_predicted_is_what_the_suite_wants_or_is_listed(plans: dict[str, Planned]) -> None:
    known = listed(PAGE.read_text())
    otherwise = {
        name: one.wrong or ("it asks for nothing that is shown here",)
        for name, one in plans.items()
        if one.wrong or not proves(one)
    }
    told = "\n".join(f"{name}: {why[0]}" for name, why in otherwise.items() if name not in known)
    assert not told, told
    assert not known.keys() - otherwise.keys(), f"these pass: {sorted(known.keys() - otherwise.keys())}"


def test_real_envoys_do_what_the_suite_wants(plans: dict[str, Planned], tmp_path: Path) -> None:
    passing = [one for one in plans.values() if not one.wrong and one.loads]
    for at in range(0, len(passing), TOGETHER):
        several = passing[at : at + TOGETHER]
        found = verdicts(tmp_path / str(at), several)
        assert all(found[one.case.name] for one in several)
        wrong = [f"{name}: {one}" for name, told in found.items() for one in not_passed(plans[name], told)]
        assert not wrong, "\n".join(wrong)
    asked = sum(one.asked for one in passing)
    print(f"\n{len(passing)} cases of {len(plans)} driven, {asked} requests")
