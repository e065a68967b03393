"""The lines that a verdict is about are quoted as they were read, what is applied beside what was specified."""

from __future__ import annotations

from pathlib import Path

from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import Location
from meshproof.run.prepare import Prepared
from meshproof.run.showing.quotes import MOST_LINES, Quoting, Read
from meshproof.run.verification.verification import prepare_verification

REQUEST = "GET http://a/"
SPEC = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
    - match: [{headers: {authorization: {exact: Bearer abcdef0123456789}}}]
      route: [{destination: {host: a, subset: v2}}]
    - name: rest  # what most requests take
      route:
        - destination: {host: a, subset: v1}
          weight: 90
        - destination: {host: a, subset: v2}
          weight: 10
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a}
spec:
  host: a
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 1}}
  subsets:
    - {name: v1, labels: {version: v1}}
    - {name: v2, labels: {version: v2}}
"""


def prepared(folder: Path, applied: str = "") -> Prepared:
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "applied.yaml").write_text(applied)
    other = [str(folder / "applied.yaml")] if applied else []
    asked = [parse(REQUEST)]
    found = prepare_verification([str(folder / "spec.yaml")], other, asked, Precision())
    return next(one for one in found.work if isinstance(one, Prepared) and one.load.requests)


def of(one: Prepared, check: str = "Split", **evidence: object) -> Verdict:
    return Verdict(one.name, check, Outcome.FAILED, "", request=str(one.load.requests[0]), evidence=dict(evidence))


def test_the_rule_is_quoted_whole(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    (quote,), applied = Quoting(one).of(of(one))
    assert quote.location == f"{tmp_path}/spec.yaml:9:7"
    assert quote.text.splitlines()[:2] == ["name: rest", "route:"]
    assert "weight: 90" in quote.text
    assert applied == ()


def test_what_is_applied_otherwise_stands_beside_it(tmp_path: Path) -> None:
    one = prepared(tmp_path, SPEC.replace("weight: 90", "weight: 50").replace("weight: 10", "weight: 50"))
    (quote,), (other,) = Quoting(one).of(of(one))
    assert other.location == f"{tmp_path}/applied.yaml:9:7"
    assert other.text == quote.text.replace("weight: 90", "weight: 50").replace("weight: 10", "weight: 50")


def test_a_policy_is_quoted_where_it_is_judged(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    (quote,), _ = Quoting(one).of(of(one, "ConnectionPool", limits="x"))
    assert quote.text == "tcp:\n  maxConnections: 1"


def test_credentials_and_long_rules_are_not_quoted_whole(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    read = Read(one.stages[0].specified)
    value = read.at(Location(f"{tmp_path}/spec.yaml", 7, 7))
    assert value is not None
    assert set(value.names()) == {"match", "route"}
    assert read.at(Location(f"{tmp_path}/spec.yaml", 7, 8)) is None
    many = "".join(f"        - {{destination: {{host: a, subset: v1}}, weight: {n}}}\n" for n in [1] * 100)
    longer = SPEC[: SPEC.index("        - destination")] + many + SPEC[SPEC.index("---") :]
    one = prepared(tmp_path, longer)
    (quote,) = Quoting(one).of(of(one))[1]
    assert len(quote.text.splitlines()) == MOST_LINES + 1
    assert quote.text.endswith("more lines")


def test_a_check_of_the_whole_load_quotes_what_went_wrong(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    row = {"request": str(one.load.requests[0]), "outcome": "failed"}
    whole = Verdict(one.name, "Answers", Outcome.FAILED, "", evidence={"table": [row]})
    assert len(Quoting(one).of(whole)[0]) == 1
    assert Quoting(one).of(Verdict(one.name, "NoErrors", Outcome.FAILED, "")) == ((), ())
