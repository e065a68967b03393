"""What each sample answers, without a process."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from meshproof.workload.behaviours.behaviour import behaviour
from meshproof.workload.identity import Identity
from meshproof.workload.message import Reply, Request


def answer(image: str, request: Request, **labels: str) -> Reply:
    return behaviour(Identity("web-v1-0", "default/web-v1", image, labels))(request)


@pytest.mark.parametrize(
    ("image", "labels", "version"),
    [
        ("docker.io/istio/examples-helloworld-v1:1.0", {"version": "v1"}, "v1"),
        ("docker.io/istio/examples-helloworld-v2", {}, "v2"),
        ("registry.local:5000/x/helloworld", {"version": "canary"}, "canary"),
    ],
)
def test_helloworld_answers_with_its_version(image: str, labels: dict[str, str], version: str) -> None:
    reply = answer(image, Request("GET", "/hello?x=1"), **labels)
    assert (reply.status, reply.body) == (200, f"Hello version: {version}, instance: web-v1-0\n".encode())


def test_helloworld_has_no_other_paths() -> None:
    image = "examples-helloworld-v1"
    assert answer(image, Request("GET", "/health")).status == 200
    assert answer(image, Request("GET", "/hello/")).status == 404
    assert answer(image, Request("POST", "/hello")).status == 405


@pytest.mark.parametrize("image", ["nginx:1.27", "localhost/httpbin/other", "", "httpbin-proxy"])
def test_any_other_image_is_an_echo(image: str) -> None:
    request = Request("PUT", "/a?b=c", "web:80", [(b"X-A", b"1"), (b"x-a", b"2")], b"body")
    seen = json.loads(answer(image, request, app="web").body)
    assert seen["name"] == "web-v1"
    assert seen["labels"] == {"app": "web"}
    assert (seen["pod"], seen["method"], seen["path"]) == ("web-v1-0", "PUT", "/a?b=c")
    assert seen["headers"] == {"x-a": "1, 2"}
    assert seen["size"] == 4


@pytest.mark.parametrize("body", [b"", b"\x00body"])
def test_an_echo_is_json_of_all_that_was_received_whatever_it_is(body: bytes) -> None:
    headers = [(b"Host", b"web:80"), (b"X-Quoted", b'a "b" \\ c'), (b"x-\xff", b"\xe4\t"), (b"x-empty", b"")]
    echoed = answer("nginx", Request("GET", '/\xe4"?b', 'we"b', headers, body), app='"web"')
    assert json.loads(echoed.body) == {
        **{"name": "web-v1", "labels": {"app": '"web"'}, "pod": "web-v1-0"},
        **{"method": "GET", "path": '/\xe4"?b', "authority": 'we"b'},
        "headers": {"host": "web:80", "x-quoted": 'a "b" \\ c', "x-\xff": "\xe4\t", "x-empty": ""},
        **{"size": len(body), "digest": sha256(body).hexdigest()},
    }
    assert echoed.headers == (("content-type", "application/json"),)


def test_httpbin_describes_a_form() -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", b"httpbin:8000")]
    seen = json.loads(answer("httpbin", Request("POST", "/post?q=1&q=2", "httpbin:8000", headers, b"a=b+c")).body)
    assert seen["form"] == {"a": "b c"}
    assert seen["args"] == {"q": ["1", "2"]}
    assert seen["url"] == "http://httpbin:8000/post?q=1&q=2"
    assert seen["headers"]["Host"] == "httpbin:8000"
    assert seen["data"] == ""


def test_go_httpbin_shows_lists() -> None:
    request = Request("GET", "/get?q=1", "h", [(b"x-forwarded-for", b"10.0.0.1")])
    seen = json.loads(answer("docker.io/mccutchen/go-httpbin:v2.15.0", request).body)
    assert seen["args"] == {"q": ["1"]}
    assert seen["headers"] == {"X-Forwarded-For": ["10.0.0.1"]}
    assert (seen["origin"], seen["method"]) == ("10.0.0.1", "GET")


def test_httpbin_shows_json_and_null_for_what_is_not_json() -> None:
    for body, parsed in ((b'{"a": 1}', {"a": 1}), (b"[" * 100_000, None), (b"\xff", None)):
        assert json.loads(answer("httpbin", Request("PATCH", "/patch", body=body)).body)["json"] == parsed


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/status/503", 503),
        ("PUT", "/status/418", 418),
        ("GET", "/status/99", 400),
        ("GET", "/status/abc", 400),
        ("GET", "/status/²", 400),
        ("GET", "/status", 404),
        ("GET", "/statusfoo", 404),
        ("GET", "/get/more", 404),
        ("POST", "/get", 405),
        ("GET", "/post", 405),
        ("DELETE", "/anything/at/all", 200),
        ("GET", "/bytes/x", 400),
        ("GET", "/delay/soon", 400),
        ("GET", "/response-headers?a=b%0d%0aset-cookie:x", 400),
        ("GET", "/response-headers?a%20b=c", 400),
        ("GET", "/", 200),
    ],
)
def test_httpbin_statuses(method: str, target: str, status: int) -> None:
    assert answer("httpbin", Request(method, target)).status == status


@pytest.mark.parametrize(
    ("target", "seconds"), [("0.25", 0.25), ("3600", 10.0), ("-1", 0.0), ("nan", 0.0), ("2s", 2.0)]
)
def test_delay_is_capped(target: str, seconds: float) -> None:
    assert answer("httpbin", Request("GET", f"/delay/{target}")).delay == seconds


def test_bytes_are_capped() -> None:
    assert len(answer("httpbin", Request("GET", "/bytes/10")).body) == 10
    assert len(answer("httpbin", Request("GET", "/bytes/999999999")).body) == 100 * 1024


def test_response_headers_cannot_forge_identity_or_framing() -> None:
    reply = answer("httpbin", Request("GET", "/response-headers?X-A=1&X-Meshproof-Pod=other&Content-Length=0"))
    assert ("X-A", "1") in reply.headers
    assert not {name.lower() for name, _ in reply.headers} & {"x-meshproof-pod", "content-length"}


@pytest.mark.parametrize("pod", ["a\r\nb", "", "a b", "x" * 254, "é"])
def test_a_name_that_cannot_stand_in_a_header_is_refused(pod: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        Identity(pod, "default/web")


@pytest.mark.parametrize("image", ["httpbin", "go-httpbin", "examples-helloworld-v1"])
def test_what_a_sample_does_not_know_is_marked_and_nothing_else(image: str) -> None:
    name = "helloworld" if "helloworld" in image else image
    for request in (Request("GET", "/nowhere"), Request("POST", "/get" if "httpbin" in image else "/hello")):
        assert ("x-meshproof-unknown", name) in answer(image, request).headers
    known = ("/hello", "/health") if name == "helloworld" else ("/", "/get", "/status/404", "/status/abc")
    for path in known:
        assert "x-meshproof-unknown" not in dict(answer(image, Request("GET", path)).headers), path


def test_nobody_can_have_an_answer_marked_as_unknown() -> None:
    reply = answer("httpbin", Request("GET", "/response-headers?x-meshproof-unknown=httpbin&x-a=1"))
    assert (dict(reply.headers).get("x-a"), dict(reply.headers).get("x-meshproof-unknown")) == ("1", None)
