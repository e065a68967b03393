"""`meshproof verify`: what runs is compared with what was specified."""

from __future__ import annotations

import re
from typing import Any

import pytest

OTHERS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
"""


def test_a_mesh_that_conforms_to_its_manifests_passes(place: Any) -> None:
    spec = place.mesh("spec", version="v1beta1")
    text = "\n---\n".join(file.read_text() for file in sorted(spec.iterdir()))
    ended = place.run("verify", "-f", "-", *place.rates, stdin=text)
    assert ended.code == 0, ended.err
    assert "passed 8 checks of 4 scenarios" in ended.out
    assert "passed in" in ended.err
    assert "passed in" not in ended.out
    # Into a pipe go no control characters.
    assert not re.search(r"[\x1b\r]", ended.out + ended.err)
    (kept,) = (place.here / "meshproof-runs").glob("2*")
    assert f"report: {kept / 'report.html'}" in ended.out


def test_what_names_no_namespace_is_put_in_the_given_one(place: Any) -> None:
    place.mesh("spec")
    ended = place.run(*place.verify, "-n", "shop", "-o", "json", "--web")
    assert ended.code == 0, ended.out + ended.err
    assert re.search(r"^live: http://127\.0\.0\.1:\d+/[\w-]{32}/$", ended.err, re.MULTILINE)
    assert "helloworld.shop/v1" in ended.out


HELLO = ("--request", "GET http://helloworld:5000/hello")
WRONG = {"100-0": (100, 0), "70-30": (70, 30), "no route": (None, 0)}


def test_another_split_than_the_specified_one_fails_with_the_place_that_specified_it(place: Any) -> None:
    place.mesh("spec")
    for name, (v1, v2) in WRONG.items():
        place.mesh(name, v1, v2)
    for name in WRONG:
        ended = place.run(*place.verify, "--applied", name, *HELLO, "-o", "json", "--output", f"{name}.out")
        assert ended.code == 1, (name, ended.err)
        split = next(check for check in ended.report["checks"] if check["check"] == "Split")
        assert split["outcome"] == "failed"
        assert re.search(r"spec/route\.yaml:(9|11):11", split["reason"]), (name, split["reason"])


def test_a_delay_that_runs_and_is_not_specified_fails_though_nothing_is_answered_otherwise(place: Any) -> None:
    place.mesh("spec")
    applied = place.mesh("applied") / "route.yaml"
    applied.write_text(applied.read_text() + "      fault: {delay: {fixedDelay: 0.01s, percentage: {value: 20}}}\n")
    ended = place.run(*place.verify, "--applied", "applied", "-o", "json")
    assert ended.code == 1, ended.err
    verdicts = {check["check"]: check for check in ended.report["checks"]}
    assert verdicts["Split"]["outcome"] == "passed"
    assert verdicts["NoErrors"]["outcome"] == "failed"
    assert (
        "held back by the proxies (fault.delays_injected), and no delay is specified" in verdicts["NoErrors"]["reason"]
    )


def test_a_route_to_an_undefined_subset_is_observed_and_named(place: Any) -> None:
    place.mesh("spec")
    place.route("spec", place.undefined)
    ended = place.run(*place.verify)
    assert ended.code == 1, ended.err
    assert "helloworld.default/v3" in ended.out
    assert "spec/route.yaml:11:11" in " ".join(ended.out.split())
    assert re.search(r"answered 503|503", ended.out)


def test_a_request_that_nothing_can_answer_is_no_pass_and_what_may_be_meant_is_said(place: Any) -> None:
    place.mesh("spec")
    for text, meant in (("GET http://helloword:5000/hello", "helloworld"), ("GET http://helloworld/", "port 5000")):
        ended = place.run(*place.verify, "--request", text)
        assert ended.code == 1, ended.err
        assert "Answerable  inconclusive" in ended.out
        assert f"did you mean {meant}?" in " ".join(ended.out.split())


def test_what_the_proxy_answers_itself_is_said_with_its_rule(place: Any) -> None:
    spec = place.mesh("spec") / "route.yaml"
    moved = "    - match: [{uri: {prefix: /old}}]\n      redirect: {uri: /new, redirectCode: 308}\n"
    spec.write_text(spec.read_text().replace("    - route:", f"{moved}    - route:"))
    ended = place.run(*place.verify, "--request", "GET http://helloworld:5000/old")
    assert ended.code == 0, ended.out
    said = "308 to http://helloworld:5000/new by the proxy, as specified at spec/route.yaml:8:7"
    assert said in " ".join(ended.out.split())


@pytest.mark.long
def test_what_is_not_taken_into_account_is_a_notice(place: Any) -> None:
    spec = place.mesh("spec", version="v1alpha3")
    (spec / "others.yaml").write_text(OTHERS)
    ended = place.run(*place.verify)
    assert ended.code == 0, ended.err
    assert "notice spec/others.yaml:1:1: v1 ConfigMap is not read" in ended.err
    assert "notice" not in ended.out
