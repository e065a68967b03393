"""Who a client is by the certificate that istiod gives its proxy: `spiffe://cluster.local/ns/shop/sa/cart`."""

from __future__ import annotations

from meshproof.records import dataclass

TRUST_DOMAIN = "cluster.local"
DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Identity:
    """The namespace and the ServiceAccount of a pod; an empty `account` or `trust_domain` is not told."""

    namespace: str
    account: str = ""
    trust_domain: str = TRUST_DOMAIN


NOBODY = Identity("", "", "")
"""Who shows no certificate."""
