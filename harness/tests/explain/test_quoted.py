"""How an explanation quotes its lines and documents, and what it tells of other objects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from meshproof.errors import Location
from meshproof.explain.render.document import document
from meshproof.explain.render.quotes import Quotes
from meshproof.explain.render.text import summary, text

from .explained_shop import ROUTE, RULE


def test_what_is_not_understood_is_told_with_its_line(explained) -> None:
    found = explained(
        RULE + ROUTE + "---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: x}\n"
    )
    assert [(one.what, one.location.line) for one in found.unmodelled] == [("EnvoyFilter default/x", 37)]
    # Beside what is predicted, not at the end alone.
    assert [*summary(found)][-1] == "all of this may be otherwise: one thing that it depends on is not understood"


def test_who_is_called_by_nobody_s_name_is_told_what_may_have_been_meant(explained) -> None:
    assert "did you mean reviews" in explained("", "http://reviws:9080/").unanswered
    assert "did you mean port 9080 or port 9081?" in explained("", "http://reviews:80/").unanswered
    assert "did you mean" not in explained("", "http://reviews:9080/").unanswered


def test_the_lines_are_quoted_and_the_document_holds_what_the_text_does(explained) -> None:
    found = explained(RULE + ROUTE)
    quote = Quotes()
    lines = "\n".join(text(found, quote))
    assert "| - {destination: {host: reviews, subset: v1}, weight: 90}" in lines
    whole = json.loads(json.dumps(document(found, quote)))
    assert whole["destinations"][0]["at"]["text"] == "- {destination: {host: reviews, subset: v1}, weight: 90}"
    assert whole["summary"][0] in lines
    assert [one["outcome"] for one in whole["rules"]] == ["taken"]


def test_a_file_that_was_not_named_is_not_quoted(tmp_path: Path) -> None:
    """A document that a run has kept may say of any file that something stands there."""
    (tmp_path / "k8s").mkdir()
    for name in ("k8s/own", "file", "other"):
        (tmp_path / name).write_text(f"the line of {name}")
    quotes = Quotes()
    quotes.only([str(tmp_path / "k8s")])
    quotes.only([str(tmp_path / "file")])
    places = [Location(str(tmp_path / name), 1, 1) for name in ("k8s/own", "file", "other", "k8s/../other")]
    assert [quotes(one) for one in places] == ["the line of k8s/own", "the line of file", "", ""]


def test_of_a_long_line_what_stands_at_the_place_is_quoted() -> None:
    quotes = Quotes()
    quotes.keep("a.yaml", f"{{a: {'x' * 200}, b: here, c: {'y' * 200}}}\n")
    found = quotes(Location("a.yaml", 1, 207))
    assert found.startswith("…b: here, c: yyy")
    assert found.endswith("y…")
    assert (quotes(Location("a.yaml", 9, 1)), quotes(None)) == ("", "")


@pytest.mark.parametrize("at", ["{exact", "PLANT", "u: /y"])
def test_of_a_long_line_no_credential_is_quoted_whose_name_is_not(at: str) -> None:
    line = f"{{a: {'x' * 200}, x-api-key: {{exact: PLANT}}, u: /y, {'z' * 60}, token: {'PLANT' * 9}, c: {'y' * 200}}}"
    quotes = Quotes()
    quotes.keep("a.yaml", line)
    found = quotes(Location("a.yaml", 1, line.index(at) + 1))
    assert "PLANT" not in found
    assert "u: /y" in found


def test_what_is_to_be_known_of_other_objects_is_counted_and_what_concerns_the_request_is_told(explained) -> None:
    own = ROUTE.replace("hosts: [reviews]", "hosts: [reviews, reviews.shop.example]")
    others = "".join(
        f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: other{number}}}\n"
        f"spec: {{hosts: [other{number}.shop.example], http: [{{route: [{{destination: {{host: reviews}}}}]}}]}}\n"
        for number in range(20)
    )
    found = explained(RULE + own + others, "GET http://reviews:9080/")
    assert [one.says.split(":")[0] for one in found.notices] == ["no Service is called reviews.shop.example"]
    assert len(found.elsewhere) == 20
    assert list(text(found, Quotes()))[-1] == "20 notices about objects that it does not meet: -o json has them"
    assert len(document(found, Quotes())["notices"]) == 21


def test_what_stands_in_for_an_object_is_to_be_known_of_what_refers_to_it(explained) -> None:
    gateway = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example]
    tls: {mode: SIMPLE, credentialName: c}
"""
    route = ROUTE.replace("hosts: [reviews]", "hosts: [shop.example]\n  gateways: [edge]")
    found = explained(RULE + route + gateway, "GET https://shop.example/")
    assert any(one.says.startswith("no Secret c is among the manifests") for one in found.notices)
