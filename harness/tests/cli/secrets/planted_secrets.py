"""Secrets, in every place where one can stand; what is found of them tells where it stood."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
from dataclasses import dataclass, field
from typing import Any


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
                    "metadata": {
                        "labels": {"app": "vault"},
                        "annotations": {
                            "vault.hashicorp.com/agent": f"password={plant('text of an annotation of pods')}"
                        },
                    },
                    "spec": {
                        "initContainers": [
                            {
                                "name": "init",
                                "image": "curl",
                                "command": ["sh", "-c", f"curl -u admin:{plant('a password for curl')} http://x"],
                                "env": [{"name": "ANYTHING", "value": plant("a variable of an init container")}],
                            }
                        ],
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
                                "livenessProbe": {
                                    "httpGet": {
                                        "path": f"/x?token={plant('the path of a probe')}",
                                        "port": 5000,
                                        "httpHeaders": [
                                            {"name": "Authorization", "value": f"Basic {plant('a header of a probe')}"}
                                        ],
                                    }
                                },
                            }
                        ],
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
        *of_policies(plant),
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "helloworld", "annotations": {"x/password": plant("an annotation of a rule")}},
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
                            {"headers": {"x-vault-token": {"regex": f"{plant('a pattern of x-vault-token')}.*"}}},
                            {
                                "uri": {"prefix": "/without"},
                                "withoutHeaders": {"x-auth-token": {"exact": plant("a condition that is excluded")}},
                            },
                        ],
                        "headers": {
                            "request": {"set": {"x-auth-token": plant("a header that is set")}},
                            "response": {"add": {"set-cookie": f"id={plant('a cookie that is set')}"}},
                        },
                        "route": [
                            {
                                "destination": {"host": "helloworld", "subset": "v2"},
                                "headers": {"request": {"set": {"private-token": plant("a header of a destination")}}},
                            }
                        ],
                    },
                    {
                        "match": [
                            {"queryParams": {"api_key": {"exact": plant("a condition on a parameter")}}},
                            {"queryParams": {"token": {"regex": f"{plant('a pattern of a parameter')}.*"}}},
                        ],
                        "route": [{"destination": {"host": "helloworld", "subset": "v2"}}],
                    },
                    {
                        "match": [{"uri": {"prefix": "/login"}}],
                        "redirect": {"uri": f"/x?access_token={plant('where a redirect leads')}"},
                    },
                    {
                        "match": [{"uri": {"prefix": "/rewrite"}}],
                        "rewrite": {"uri": f"/x?token={plant('a path that is rewritten')}"},
                        "route": [{"destination": {"host": "helloworld", "subset": "v1"}}],
                    },
                    {
                        "match": [{"uri": {"prefix": "/fixed"}}],
                        "directResponse": {"status": 503, "body": {"string": f"password={plant('a fixed answer')}"}},
                    },
                    {"route": [{"destination": {"host": "helloworld", "subset": "v1"}}]},
                ],
            },
        },
    ]
    return "\n---\n".join(json.dumps(one) for one in documents)


def of_policies(plant: Planted) -> list[dict[str, Any]]:
    """An EnvoyFilter, an AuthorizationPolicy, an HTTPRoute and its Service."""
    script = (
        f"h:headers():add('authorization', '{plant('a header of a filter')}')"
        f' h:headers():add("x-api-key", "{plant("another header of it")}")'
    )
    filter = {"inlineCode": script, "token_secret": {"inline_string": plant("the secret of a filter")}}
    place = {"applyTo": "HTTP_FILTER", "match": {"context": "SIDECAR_INBOUND"}}
    patch = {"operation": "INSERT_BEFORE", "value": {"name": "lua", "typed_config": filter}}
    conditions = [
        {"key": "request.headers[authorization]", "values": [f"Bearer {plant('a value of a policy')}"]},
        {"key": "request.headers[x-api-key]", "notValues": [plant("another value of it")]},
    ]
    rule = {
        "matches": [{"headers": [{"name": "authorization", "value": f"Bearer {plant('a match of an HTTPRoute')}"}]}],
        "filters": [
            {
                "type": "RequestHeaderModifier",
                "requestHeaderModifier": {"set": [{"name": "x-api-key", "value": plant("a header of an HTTPRoute")}]},
            }
        ],
        "backendRefs": [{"name": "vault", "port": 5000}],
    }
    return [
        {
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": {"name": "lua"},
            "spec": {"workloadSelector": {"labels": {"app": "none"}}, "configPatches": [{**place, "patch": patch}]},
        },
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "vault"},
            "spec": {
                "selector": {"matchLabels": {"app": "vault"}},
                "action": "DENY",
                "rules": [{"when": conditions}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "vault"},
            "spec": {"selector": {"app": "vault"}, "ports": [{"name": "http", "port": 5000}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "vault"},
            "spec": {"parentRefs": [{"kind": "Service", "group": "", "name": "vault"}], "rules": [rule]},
        },
    ]


def requests(plant: Planted) -> list[str]:
    """Requests with credentials of their own."""
    words = [
        f"authorization:Bearer {plant('a header of a request')}",
        f"cookie:a={plant('a cookie of a request')}; b={plant('another cookie of it')}",
        f"X-Vault-Token:{plant('x-vault-token of a request')}",
    ]
    url = f"http://helloworld:5000/hello?access_token={plant('the query of a request')}"
    return [shlex.join(["GET", url, *words]), f"GET http://helloworld:5000/hello?sig={plant('a signature')}"]


def intents(plant: Planted) -> str:
    """Intents that hold, that do not, and a promise."""
    hello = "http://helloworld:5000/hello"
    return json.dumps(
        [
            {
                "request": f"GET {hello} 'authorization:Bearer {plant('a request of an intent')}'",
                "expect": {"to": "v1"},
            },
            {"request": f"GET {hello}?api_key={plant('the query of an intent')}", "expect": {"to": "v2"}},
            {"request": f"GET {hello}", "expect": {"header": {"x-auth-token": plant("a header that is wanted")}}},
            {"never": {"to": "v2", "unless": f"x-api-key:{plant('the exception of a promise')}"}},
        ]
    )


def assert_nothing(plant: Planted, place: Any, ended: Any) -> None:
    leaks = {f"standard output: {where}" for where in plant.found(ended.out)}
    leaks |= {f"standard error: {where}" for where in plant.found(ended.err)}
    for path in (place.here / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")
            leaks |= {f"{path.relative_to(place.here)}: {where}" for where in plant.found(text)}
    assert sorted(leaks) == []
