"""One's own gateway: its rules and what is beyond their boundaries, through real Envoys."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.suite import folder

GATEWAY = folder("scenarios") / "gateway"


def spec(place: Any, *names: str) -> list[str]:
    """Options for copies of some of the suite's manifests in the place's folder."""
    place.here.joinpath("spec").mkdir(exist_ok=True)
    for name in names:
        place.here.joinpath("spec", name).write_text((GATEWAY / name).read_text())
    return ["-f", "spec"]


def checks(report: Any) -> dict[tuple[str, str], str]:
    return {(one["scenario"], one["check"]): one["outcome"] for one in report["checks"]}


def probed(report: Any) -> Any:
    """The check of the probes' answers."""
    return next(one for one in report["checks"] if (one["scenario"], one["check"]) == ("boundaries", "Answers"))


@pytest.mark.long
def test_a_path_that_is_opened_too_wide_is_found_beyond_its_boundary(place: Any) -> None:
    given = spec(place, "httpbin.yaml", "paths.yaml")
    wide = place.here / "wide"
    wide.mkdir()
    (wide / "httpbin.yaml").write_text((GATEWAY / "httpbin.yaml").read_text())
    (wide / "paths.yaml").write_text((GATEWAY / "paths.yaml").read_text().replace("prefix: /delay", "prefix: /"))
    ended = place.run("verify", *given, "--applied", "wide", "-o", "json")
    assert ended.code == 1, ended.err
    found = checks(ended.report)
    assert found == {
        ("coverage", "Covered"): "passed",
        ("verify", "Split"): "passed",
        ("verify", "Answers"): "passed",
        ("verify", "NoErrors"): "passed",
        ("boundaries", "Answers"): "failed",
        ("resilience", "Timeout"): "passed",
        ("resilience", "Retries"): "passed",
    }
    verdict = probed(ended.report)
    assert (
        "/statu (by gateway default/httpbin-gateway): answered 404 by default/httpbin, but 404 by the proxy"
        in verdict["reason"]
    )
    table = verdict["evidence"]["table"]
    leaks = [row for row in table if row["outcome"] == "failed"]
    assert {row["specified"] for row in leaks} == {"404 by the proxy"}
    assert len(table) > 2 * len(leaks) > 0


@pytest.mark.long
def test_a_delay_at_the_gateway_that_nobody_specified_fails(place: Any) -> None:
    given = spec(place, "httpbin.yaml", "paths.yaml")
    late = place.here / "late"
    late.mkdir()
    (late / "httpbin.yaml").write_text((GATEWAY / "httpbin.yaml").read_text())
    fault = "fault: {delay: {fixedDelay: 0.01s, percentage: {value: 20}}}"
    text = (GATEWAY / "paths.yaml").read_text()
    assert text.count("      route:\n") == 1
    (late / "paths.yaml").write_text(text.replace("      route:\n", f"      {fault}\n      route:\n"))
    ended = place.run("verify", *given, "--applied", "late", "-o", "json")
    assert ended.code == 1, ended.err
    failed = {
        (one["check"], one["reason"].partition(" held back")[2])
        for one in ended.report["checks"]
        if one["outcome"] == "failed"
    }
    assert [check for check, _ in failed] == ["NoErrors"]
    assert " by the proxies (fault.delays_injected), and no delay is specified" in next(iter(failed))[1]


def test_https_is_verified_with_the_certificate_that_the_secret_holds(place: Any) -> None:
    given = spec(place, "httpbin.yaml", "secret.yaml", "tls.yaml")
    ended = place.run("verify", *given, "-o", "json")
    assert ended.code == 0, ended.err
    assert set(checks(ended.report).values()) == {"passed"}
    verdict = probed(ended.report)
    old = [row for row in verdict["evidence"]["table"] if "TLSv1_2" in row["request"]]
    assert sorted(row["specified"] for row in old) == ["default/httpbin", "no handshake"]


def test_a_named_request_enters_by_the_gateway_that_serves_its_host(place: Any) -> None:
    given = spec(place, "httpbin.yaml", "secret.yaml", "tls.yaml")
    named = ["--request", "https://httpbin.example.com/status/200", "--request", "https://strict.example.com/headers"]
    ended = place.run("verify", *given, *named, "-o", "json")
    assert ended.code == 0, ended.err
    report = ended.report
    assert {one["scenario"] for one in report["checks"]} == {"coverage", "verify", "resilience"}
    assert all("(by gateway default/httpbin-gateway)" in one for one in report["scenarios"][0]["requests"])
