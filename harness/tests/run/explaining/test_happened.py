"""What happened held against what was predicted, without any mesh."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.books import Books, PodBook
from meshproof.border.expectation import Abort, Arm, Copy, Expectation
from meshproof.border.observation import Observation
from meshproof.border.request import parse
from meshproof.errors import Location
from meshproof.run.explaining.flags import flags
from meshproof.run.explaining.happened import Row, happened
from meshproof.run.explaining.sending import Sent

PLACE = Location("a.yaml", 1, 1)
REQUEST = parse("GET http://a/")
HALF = Fraction(1, 2)


def arm(name: str, share: Fraction, *workloads: str) -> Arm:
    return Arm(name, share, frozenset(workloads), PLACE)


def sent(*answers: tuple[str, int], **received: int) -> Sent:
    several = [Observation(str(at), 0, 0, 0.0, 0.0, status, workload=by) for at, (by, status) in enumerate(answers)]
    return Sent(tuple(several), Books(tuple(PodBook(name, name, count, 1) for name, count in received.items())))


def test_a_count_that_rules_the_share_out_is_not_as_predicted() -> None:
    expected = Expectation(REQUEST, (arm("a/v1", HALF, "v1"), arm("a/v2", HALF, "v2")))
    found = happened(expected, sent(*[("v1", 200)] * 60))
    assert [(row.what, row.count, row.agrees) for row in found.rows] == [("a/v1", 60, False), ("a/v2", 0, False)]
    assert happened(expected, sent(*[("v1", 200), ("v2", 200)] * 30)).agrees
    assert happened(expected, sent(("v1", 200))).agrees


def test_what_was_not_predicted_is_told_by_who_answered() -> None:
    found = happened(Expectation(REQUEST, (arm("a", Fraction(1), "v1"),)), sent(("v1", 200), ("", 503), ("v3", 200)))
    assert [(row.what, row.share, row.count) for row in found.rows[1:]] == [
        ("answered 503 by the proxy", None, 1),
        ("answered 200 by v3", None, 1),
    ]
    assert not found.agrees


def test_aborted_requests_take_their_share_of_the_others() -> None:
    expected = Expectation(REQUEST, (arm("a", Fraction(1), "v1"),), abort=Abort(HALF, 418, PLACE))
    found = happened(expected, sent(*[("v1", 200), ("", 418)] * 10))
    assert [(row.share, row.count, row.agrees) for row in found.rows] == [(0.5, 10, True), (0.5, 10, True)]


def test_destinations_with_a_common_workload_are_one_row() -> None:
    expected = Expectation(REQUEST, (arm("a/v1", HALF, "v1"), arm("a", HALF, "v1", "v2")))
    (row,) = happened(expected, sent(("v1", 200), ("v2", 200))).rows
    assert (row.what, row.share, row.count, row.agrees) == ("a/v1 or a", 1.0, 2, True)


def test_where_nothing_can_be_told_nothing_is_held_against_it() -> None:
    expected = Expectation(REQUEST, (), undecided="a value is drawn")
    found = happened(expected, sent(("v1", 200)))
    assert found.rows == (Row("answered 200 by v1", None, 1, True),)
    assert (found.agrees, found.note) == (True, "a value is drawn")


@pytest.mark.parametrize(("received", "agrees"), [(2, True), (1, False)])
def test_copies_are_counted_where_they_arrive(received: int, agrees: bool) -> None:
    expected = Expectation(
        REQUEST,
        (arm("a", Fraction(1), "v1"),),
        copies=(Copy("a/v2", Fraction(1), frozenset({"v2"}), PLACE),),
    )
    found = happened(expected, sent(("v1", 200), ("v1", 200), v2=received))
    assert [(row.what, row.count, row.agrees) for row in found.copies] == [("copied to a/v2", received, agrees)]


def test_flags_are_told_by_the_counters_of_destinations_and_listeners_alone() -> None:
    cluster = "cluster.outbound|80||a.default.svc.cluster.local"
    counters = {
        f"{cluster}.upstream_cx_none_healthy": 3,
        f"{cluster}.upstream_rq_timeout": 0,
        "cluster.control-plane.upstream_cx_connect_fail": 1,
        "http.outbound_0.0.0.0_80.no_route": 2,
    }
    assert [(one.name, one.count) for one in flags({"sidecar": counters})] == [("UH", 3), ("NR", 2)]
