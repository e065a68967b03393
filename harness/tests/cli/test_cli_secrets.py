"""Thirty secrets, in every place where one can stand: none is in what a run leaves or prints."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Planted:
    """Secrets by the number in their texts, so that one that is found tells where it stood."""

    secrets: dict[str, str] = field(default_factory=dict)

    def __call__(self, where: str) -> str:
        """A new secret that stands there."""
        text = f"pl4nt{len(self.secrets):02d}Zq7Rk2"
        self.secrets[text] = where
        return text

    def found(self, text: str) -> list[str]:
        """Where those of them stood that are in a text, as they are or in base64."""
        return [
            where
            for secret, where in self.secrets.items()
            if secret in text or base64.b64encode(secret.encode()).decode().rstrip("=")[:-1] in text
        ]


def manifests(plant: Planted) -> str:
    """A Deployment, a ConfigMap, a Secret and a VirtualService that are full of them."""
    jwt = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{plant('a JSON Web Token')}.c2lnbmF0dXJl"
    pem = f"-----BEGIN PRIVATE KEY-----\n{plant('a private key in a ConfigMap')}\n-----END PRIVATE KEY-----\n"
    whole = json.dumps({"spec": {"env": [{"name": "PASSWORD", "value": plant("the last applied configuration")}]}})
    documents = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "vault",
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": whole,
                    "example.com/token": plant("an annotation named token"),
                    "example.com/database": f"postgres://me:{plant('the password of a URL')}@db/x",
                    "example.com/git": f"https://{plant('the user of a URL')}@git.example.com/x",
                    "example.com/jwt": f"issued {jwt}",
                },
            },
            "spec": {
                "selector": {"matchLabels": {"app": "vault"}},
                "template": {
                    "metadata": {"labels": {"app": "vault"}},
                    "spec": {
                        "containers": [
                            {
                                "name": "vault",
                                "image": "vault",
                                "args": [
                                    f"--token={plant('an argument')}",
                                    "--password",
                                    plant("the argument after --password"),
                                    f"--dsn=redis://:{plant('a URL in an argument')}@cache",
                                ],
                                "command": ["sh", "-c", f"API_KEY={plant('a variable of a shell')} exec vault"],
                                "env": [
                                    {"name": "DB_PASSWORD", "value": plant("a variable named password")},
                                    {"name": "ANYTHING", "value": plant("any variable")},
                                ],
                            }
                        ]
                    },
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings"},
            "data": {
                "password": plant("a field of a ConfigMap"),
                "app.properties": f"user=me\nclient_secret={plant('properties in a ConfigMap')}\n",
                "app.json": json.dumps({"access_token": plant("JSON in a ConfigMap")}),
                "app.yaml": f"x-vault-token: {plant('YAML in a ConfigMap')}\n",
                "aws": f"aws_secret_access_key = {plant('a key of AWS in a ConfigMap')}\n",
                "key.pem": pem,
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "tls"},
            "data": {"tls.key": base64.b64encode(plant("a Secret's data").encode()).decode()},
            "stringData": {"other": plant("a Secret's text")},
        },
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "helloworld"},
            "spec": {
                "hosts": ["helloworld"],
                "http": [
                    {
                        "match": [
                            {
                                "headers": {
                                    "authorization": {"exact": f"Bearer {plant('a condition on authorization')}"}
                                }
                            },
                            {"headers": {"cookie": {"exact": f"session={plant('a condition on a cookie')}"}}},
                            {"headers": {"x-api-key": {"prefix": plant("a condition on x-api-key")}}},
                        ],
                        "headers": {
                            "request": {"set": {"x-auth-token": plant("a header that is set")}},
                            "response": {"add": {"set-cookie": f"id={plant('a cookie that is set')}"}},
                        },
                        "route": [{"destination": {"host": "helloworld", "subset": "v2"}}],
                    },
                    {
                        "match": [{"queryParams": {"api_key": {"exact": plant("a condition on a parameter")}}}],
                        "route": [{"destination": {"host": "helloworld", "subset": "v2"}}],
                    },
                    {"route": [{"destination": {"host": "helloworld", "subset": "v1"}}]},
                ],
            },
        },
    ]
    return "\n---\n".join(json.dumps(one) for one in documents)


def requests(plant: Planted) -> list[str]:
    """Requests with credentials of their own."""
    words = [
        f"authorization:Bearer {plant('a header of a request')}",
        f"cookie:a={plant('a cookie of a request')}; b={plant('another cookie of it')}",
        f"X-Vault-Token:{plant('x-vault-token of a request')}",
    ]
    url = f"http://helloworld:5000/hello?access_token={plant('the query of a request')}"
    return [shlex.join(["GET", url, *words]), f"GET http://helloworld:5000/hello?sig={plant('a signature')}"]


def assert_nothing(plant: Planted, place: Any, ended: Any) -> None:
    leaks = {f"standard output: {where}" for where in plant.found(ended.out)}
    leaks |= {f"standard error: {where}" for where in plant.found(ended.err)}
    for path in (place.here / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")
            leaks |= {f"{path.relative_to(place.here)}: {where}" for where in plant.found(text)}
    assert sorted(leaks) == []


def test_a_run_that_fails(place: Any) -> None:
    """With `-o json` report.json is what is printed."""
    plant = Planted()
    for folder, (v1, v2) in {"spec": (90, 10), "applied": (50, 50)}.items():
        place.mesh(folder, v1, v2)
        (place.here / folder / "route.yaml").unlink()
    text = manifests(plant)
    (place.here / "spec" / "route.yaml").write_text(text)
    (place.here / "applied" / "route.yaml").write_text(text.replace('"subset": "v1"', '"subset": "v2"'))
    asked = [word for request in requests(plant) for word in ("--request", request)]
    ended = place.start(*place.verify, "--applied", "applied", *asked).end()
    assert len(plant.secrets) >= 30
    assert ended.code == 1, ended.err
    assert (place.here / "out" / "report.html").exists()
    assert {"bundle.tar.gz", "certificate.yaml", "certificate.json"} <= {
        one.name for one in (place.here / "out").iterdir()
    }
    assert list((place.here / "out").rglob("config_dump.json"))
    assert_nothing(plant, place, ended)


def test_what_is_refused(place: Any) -> None:
    plant = Planted()
    place.mesh("spec")
    for wrong in (
        ("--request", f"GET http://me:{plant('a URL that is refused')}@/x"),
        ("--request", f"nothing authorization:{plant('a header of a request that is refused')}"),
        ("--alpha", f"token={plant('an option that is refused')}"),
        ("--applied", f"https://{plant('a path that is refused')}@x/"),
    ):
        ended = place.start(*place.verify, *wrong).end()
        assert ended.code == 4, ended.err
        assert_nothing(plant, place, ended)


def test_in_pytest(place: Any) -> None:
    plant = Planted()
    suite = place.suite("suite", "one")
    (suite / "route.yaml").write_text(manifests(plant).replace('"subset": "v1"', '"subset": "missing"'))
    ended = place.pytest(suite).end()
    assert ended.code == 1, ended.out + ended.err
    assert_nothing(plant, place, ended)


@pytest.mark.parametrize("form", ["text", "json", "yaml", "envoy"])
def test_a_request_that_is_explained(place: Any, form: str) -> None:
    """Conditions that it lacks are quoted with their lines; what the request itself carries is shown."""
    plant = Planted()
    place.mesh("spec", None)
    (place.here / "spec" / "route.yaml").write_text(manifests(plant))
    request, _ = requests(plant)
    ended = place.run(
        "explain", "-f", "spec", *shlex.split(request)[1:2], "-H", f"x-api-key: {plant('-H')}", "-o", form
    )
    assert ended.code == 0, ended.err
    assert "v2" in ended.out
    assert_nothing(plant, place, ended)


@pytest.mark.parametrize(
    "words",
    [
        "lint -f spec -f other",
        "diff spec other",
        "explain -f spec --diff other http://helloworld:5000/hello",
    ],
)
@pytest.mark.parametrize("form", ["", "json"])
def test_what_only_reads(place: Any, words: str, form: str) -> None:
    plant = Planted()
    place.mesh("spec", None)
    place.mesh("other", None)
    text = manifests(plant)
    (place.here / "spec" / "route.yaml").write_text(text)
    changed = manifests(plant).replace('"subset": "v1"', '"subset": "v2"')
    (place.here / "other" / "route.yaml").write_text(changed)
    ended = place.run(*words.split(), *(["-o", form] if form else []))
    assert ended.code in (0, 1), ended.err
    assert ended.out
    assert_nothing(plant, place, ended)
