"""What is shown of a load's requests is summed up in bounded space, and loses none of them."""

from __future__ import annotations

from meshproof.border.observation import Observation
from meshproof.run.showing.sightings import (
    EXAMPLES,
    KINDS,
    SLOTS,
    Sightings,
    answers,
    examples,
    latencies,
    slots,
)

REQUESTS = ("GET http://a/", "GET http://b/")


def seen(number: int, **other: object) -> Observation:
    values = {"request": 0, "stage": 0, "latency": 0.002, "status": 200, "pod": "v1-0", "workload": "default/v1"}
    return Observation(f"id-{number}", started=number / 100, **(values | other))  # type: ignore[arg-type]


def test_every_request_is_counted_by_its_answer_its_time_and_its_moment() -> None:
    kept = Sightings()
    kept.take(seen(number) for number in range(5000))
    kept.take(seen(number, status=503, pod="", workload="", latency=0.0004) for number in range(5000, 5010))
    kept.take([seen(6000, status=0, pod="", workload="", error="reset by peer", latency=500.0)])
    own = kept.of(0, 0)
    assert answers(own) == {"200 from default/v1": 5000, "503 from a proxy": 10, "none (reset by peer)": 1}
    assert sum(number for _, number in latencies(own)) == 5011
    assert latencies(own)[0] == (0.000501, 10)
    width, found = slots(own)
    assert (sum(one.answered for one in found), sum(one.otherwise for one in found)) == (5000, 11)
    assert len(found) <= SLOTS
    assert found[-1].at <= 60 < found[-1].at + width


def test_examples_show_every_kind_the_rarest_first() -> None:
    kept = Sightings()
    kept.take(seen(number) for number in range(100))
    kept.take([seen(200, status=503, pod="", workload="", headers=(("server", "envoy"),))])
    found = examples(kept.of(0, 0), REQUESTS)
    assert len(found) == EXAMPLES
    assert (found[0].id, found[0].status, found[0].answered_by) == ("id-200", 503, "")
    assert found[0].headers == (("server", "envoy"),)
    assert [one.id for one in found[1:]] == [f"id-{number}" for number in range(9)]


def test_what_a_check_of_the_whole_load_sees_is_all_of_it_without_transitions() -> None:
    kept = Sightings()
    kept.take([seen(1), seen(2, request=1, stage=1, workload="default/b"), seen(3, stage=-1)])
    assert answers(kept.of(None, None)) == {"200 from default/b": 1, "200 from default/v1": 1}
    assert answers(kept.of(1, None)) == {"200 from default/b": 1}
    assert examples(kept.of(None, 1), REQUESTS)[0].request == REQUESTS[1]
    assert kept.of(3, 0) == []


def test_kinds_of_answers_that_a_server_makes_up_do_not_take_space() -> None:
    kept = Sightings()
    kept.take(seen(number, status=0, pod="", workload="", error=f"odd {number}") for number in range(1000))
    found = answers(kept.of(0, 0))
    assert len(found) == KINDS + 1
    assert found["something else"] == 1000 - KINDS
