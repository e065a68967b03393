"""What looks like a credential is taken out of texts and of data, and what does not stays."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshproof.redaction.credentials import redact, redact_all, redact_words
from meshproof.redaction.patterns import HIDDEN, NAMES, SUSPECT, option
from meshproof.redaction.quoting import redact_quoting

# Each holds PLANT where the credential stands.
TEXTS = [
    "GET http://a/?token=PLANT&x=1",
    "GET http://a/?x=1&sig=PLANT#y",
    "http://a/cb?code=PLANT",
    "'authorization:Bearer PLANT x'",
    "GET http://a/ authorization:PLANT",
    "GET http://a/ 'cookie:a=PLANT; c=PLANT'",
    "Cookie: a=PLANT; c=PLANT",
    'Proxy-Authorization: Digest username="PLANT", response="PLANT"',
    "authorization: Basic PLANT",
    "x-vault-token: PLANT",
    "Deployment shop/my-token: PLANT",
    "the Secret shop/my-token: PLANT word",
    "X-Api-Key: PLANT",
    "PRIVATE-TOKEN: PLANT",
    "--token=PLANT",
    "--api-key PLANT",
    "DB_PASSWORD=PLANT",
    "apiToken=PLANT",
    "client_secret='PLANT PLANT'",
    'password="PLANT \\" PLANT"',
    "password: PLANT",
    "client-key-data: PLANT",
    "aws_secret_access_key = PLANT",
    "https://PLANT@git.example.com/x",
    "postgres://me:PLANT@db:5432/x",
    "redis://:PLANT@cache/0",
    '{"name":"DB_PASSWORD","value":"PLANT"}',
    '"{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"PLANT\\"}"',
    "- name: API_TOKEN\n  value: PLANT",
    '{"password": "PLANT"}',
    '"{\\"access_token\\": \\"PLANT\\"}"',
    "-----BEGIN RSA PRIVATE KEY-----\nPLANT\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nPLANT",
    "handle:headers():add('x-api-key', 'PLANT')",
    'h:headers():replace("authorization", "PLANT PLANT")',
    "curl -u admin:PLANT http://a/",
    '"password": "PLANT',
    '{\\"x-api-key\\": \\"PLANT…\nnext',
    "authorization: 'Bearer PLANT",
    "curl --user 'admin:PLANT' http://a/",
]
FORMS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "glpat-0123456789abcdefghij",
    "hvs.0123456789abcdefghijABCD",
    "Bearer 0123456789abcdef",
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    found = redact(text)
    assert "PLANT" not in found
    assert HIDDEN in found
    assert redact(found) == found


@pytest.mark.parametrize("text", FORMS)
def test_forms(text: str) -> None:
    assert text.split()[-1] not in redact(f"it was {text}, once")


PLAIN = [
    "my-secret: there is no such Secret",
    "Secret/shop/my-auth: is not read",
    "a.yaml:1:1: AuthorizationPolicy shop/needs-token: whether the rule at a.yaml:9:3 takes it",
    "access-control-allow-credentials: true",
    "credentialName: shop-tls",
    "basic/route.yaml:1:2",
    "tokensPerFill: 100",
    "key: 5",
    "helloworld.default/v1 got 49.2 % of 177 requests at weight-10.yaml:14:11",
    "GET http://helloworld:5000/hello?key",
    "http://[2001:db8::1]:80/",
    "cookie is not among the headers",
    "x-user: jason",
    '["authorization", "x-user"]',
    "docker run -u 1000:1000 x",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text


def test_data() -> None:
    data: dict[str, Any] = {
        "containers": [
            {
                "env": [
                    {"name": "ANYTHING", "value": "PLANT"},
                    {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
                ]
            },
            {"args": ["--port=80", "--token", "PLANT", "--password=PLANT", "-v"]},
        ],
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "PLANT"}},
        "match": [{"headers": {"authorization": {"exact": "PLANT"}, "end-user": {"exact": "jason"}}}],
        "headers": {"request": {"set": {"x-api-key": "PLANT", "x-user": "jason"}}},
        "route": [
            {"header": {"key": "authorization", "value": "PLANT"}},
            {"name": "x-vault-token", "string_match": {"exact": "PLANT"}},
            {"name": "x-user", "string_match": {"exact": "jason"}},
        ],
        "queryParams": {"token": {"regex": "PLANT.*"}, "page": {"regex": "[0-9]+"}},
        "when": [
            {"key": "request.headers[x-api-key]", "values": ["PLANT", "PLANT*"], "notValues": ["PLANT"]},
            {"key": "request.headers[x-user]", "values": ["jason"]},
        ],
        "config": {
            "token_secret": {"inline_string": "PLANT"},
            "secret": {"inline_bytes": "PLANT"},
            "credentials": {"token_secret": {"name": "token", "sds_config": {"path": "/etc/token.yaml"}}},
        },
        "settings": {"app.properties": "user=me\npassword=PLANT\n"},
        "cookie": {"name": "session", "ttl": "5s"},
        "number": {"token": 5},
    }
    found = redact_all(data)
    assert "PLANT" not in json.dumps(found)
    assert redact_all(found) == found
    assert found["match"][0]["headers"]["end-user"] == {"exact": "jason"}
    assert found["headers"]["request"]["set"]["x-user"] == "jason"
    assert found["route"][2] == data["route"][2]
    assert found["containers"][0]["env"][1] == data["containers"][0]["env"][1]
    assert found["containers"][1]["args"][0] == "--port=80"
    # A pattern that is none of another credential: what takes its place in a request meets it.
    hidden = found["queryParams"]["token"]["regex"]
    assert re.fullmatch(hidden, HIDDEN)
    assert found["queryParams"]["page"] == data["queryParams"]["page"]
    assert found["when"][1] == data["when"][1]
    assert found["config"]["credentials"] == data["config"]["credentials"]
    assert (found["cookie"], found["number"]) == (data["cookie"], data["number"])


def test_a_text_that_quotes_data() -> None:
    data = {"headers": {"x-api-key": {"exact": "PL ANT.x"}, "x-user": {"exact": "jason"}}, "set": {"token": "b"}}
    text = "x-api-key exact 'PL ANT.x' → regex 'PL\\ ANT\\.x.*', x-user exact 'jason' → 'jasonb', about"
    shown = "x-api-key exact '[redacted]' → regex '[redacted].*', x-user exact 'jason' → 'jasonb', about"
    assert redact_quoting(text, data) == shown
    assert redact_quoting(repr(re.escape("PL ANT.x")), data) == "'[redacted]'"


def test_a_command() -> None:
    words = ["verify", "-f", "k8s/", "--token", "PLANT", "--request", "GET http://a/ authorization:PLANT", "-o", "json"]
    found = redact_words(words)
    assert "PLANT" not in " ".join(found)
    assert found[:3] == words[:3]
    assert found[-2:] == words[-2:]


LONG = [
    "a-",
    "token",
    "://a:",
    "'authorization:",
    "name: token\n",
    'password="',
    "eyJaaaaaaaaa.",
    "bearer ",
    " ",
    "\\",
    '="',
]


@pytest.mark.parametrize("part", LONG)
def test_long_texts_take_linear_time(part: str) -> None:
    text = part * (200_000 // len(part))
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 5


@given(st.text(max_size=200), st.sampled_from(TEXTS), st.text("\n ", min_size=1, max_size=3))
def test_whatever_stands_before_it_on_other_lines(before: str, text: str, between: str) -> None:
    # Another quote or another key before it may rightly reach into it.
    assert "PLANT" not in redact(f"{redact(before)}\n{between}\n{text}") or "PLANT" in before


@given(st.from_regex(rf"(?i:{NAMES})", fullmatch=True))
def test_what_is_looked_for_first_stands_in_every_name(name: str) -> None:
    assert SUSPECT.search(name)


@given(st.from_regex(option(), fullmatch=True))
def test_and_in_every_option(word: str) -> None:
    assert SUSPECT.search(word)
