"""TLS as a gateway's client uses it."""

from __future__ import annotations

import ssl
from functools import cache

from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, KEY, load_pair

Tls = tuple[tuple[str, str], ...]
"""Pairs of a name and a value: `sni`, and if given `ca`, `cert`, `key`, `newest`, `any_name`, `of_the_mesh`, `alpn`.

They are paths; `ca` may be PEM itself.
"""


@cache
def context(tls: Tls) -> ssl.SSLContext:
    """Trust in `ca` alone when given, a client certificate when given, no newer version than `newest` when given."""
    given = dict(tls)
    ca = given.get("ca", "")
    inline = ca.startswith("-----BEGIN")
    made = ssl.create_default_context(cafile=None if inline else ca or None, cadata=ca if inline else None)
    # A certificate that is trusted itself needs no authority above it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if given.get("any_name"):
        made.check_hostname = False
    made.set_alpn_protocols([given.get("alpn", "http/1.1")])
    if given.get("cert"):
        made.load_cert_chain(given["cert"], given.get("key") or None)
    elif given.get("of_the_mesh"):
        load_pair(made, CERTIFICATE.encode(), KEY.encode())
    if given.get("newest"):
        made.maximum_version = ssl.TLSVersion[given["newest"]]
    return made
