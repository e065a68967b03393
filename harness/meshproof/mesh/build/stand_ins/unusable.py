"""Secrets that are among the manifests and hold no certificate that a Gateway can serve, such as placeholders."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from meshproof.mesh.model.gateway import Gateway, Server
from meshproof.mesh.model.kubernetes import Secret
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Entering, Unmodelled

# Kubernetes' kind of Secret and Istio's generic one.
PAIRS = (("tls.crt", "tls.key"), ("cert", "key"))


def without_unusable(mesh: Mesh, made: Container[tuple[str, str]] = ()) -> tuple[Mesh, list[Unmodelled]]:
    """The mesh without Secrets that no Gateway can serve, and what depends on them: istiod takes none of these.

    Those that are `made` here, by namespace and name, are good.
    """
    found: list[Unmodelled] = []
    left = set()
    for secret, gateway, server, why in _unusable(mesh, made):
        left.add((secret.namespace, secret.name))
        name = f"Secret {secret.namespace}/{secret.name}"
        touches = (Entering(gateway.key, server.port),)
        found.append(Unmodelled("Secret", name, secret.location, why, touches, refused=True))
    kept = tuple(one for one in mesh.secrets if (one.namespace, one.name) not in left)
    return (replace(mesh, secrets=kept) if left else mesh), found


def _unusable(mesh: Mesh, made: Container[tuple[str, str]]) -> Iterator[tuple[Secret, Gateway, Server, str]]:
    """Secrets that Gateways name and whose certificate and key cannot be loaded, with the server and the reason."""
    known: dict[tuple[str, str], str] = {}
    for gateway in mesh.gateways:
        for server in gateway.servers:
            for secret in mesh.secrets_called(server.tls.credential_name):
                key = secret.namespace, secret.name
                if key not in known:
                    known[key] = "" if key in made else _unloadable(secret)
                if known[key]:
                    yield secret, gateway, server, known[key]


def _unloadable(secret: Secret) -> str:
    """Why the first pair of a Secret is none; empty where it is one, or where there is none at all."""
    pairs = [(secret.data[one], secret.data[two]) for one, two in PAIRS if one in secret.data and two in secret.data]
    if not pairs:
        return ""
    # Most manifests have no such Secret, and these take long to import.
    import ssl
    import tempfile
    from pathlib import Path

    # The standard library reads a key from a file alone; the folder is nobody else's and is gone at once.
    with tempfile.TemporaryDirectory(prefix="meshproof-") as folder:
        files = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        for path, content in zip(files, pairs[0], strict=True):
            path.write_bytes(content)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
        except (OSError, ValueError) as error:
            return f"its certificate and key cannot be used: {getattr(error, 'reason', None) or error}"
    return ""
