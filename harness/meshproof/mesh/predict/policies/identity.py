"""Whether the conditions of AuthorizationPolicies on a client's certificate hold for who it is.

istiod makes patterns of the whole URI of them: istio/istio pilot/pkg/security/authz/model/generator.go.
"""

from __future__ import annotations

import re

from meshproof.mesh.model.security.identity import NOBODY, Identity
from meshproof.mesh.predict.policies.authorization import text_meets

# No account is called so, and no text of a manifest holds it: it shows whether a pattern leaves the account open.
ANY_ACCOUNT = "\0"


def is_named(key: str, wanted: str, identity: Identity, own: str) -> bool | None:
    """Whether a value of a condition (`key` is its name in `when`) names a client; None: that is not told.

    `own` is the namespace of the policy.
    """
    if identity == NOBODY:
        return False
    match key:
        case "source.namespace":
            # No account has a slash, so that it is no part of what the pattern takes.
            within = ".*".join(map(re.escape, wanted.split("*")))
            return re.fullmatch(f".*/ns/{within}/.*", f"/ns/{identity.namespace}/sa/{ANY_ACCOUNT}") is not None
        case "source.serviceAccount":
            namespace, _, account = f"{'' if '/' in wanted else f'{own}/'}{wanted}".partition("/")
            if namespace != identity.namespace:
                return False
            return identity.account == account if identity.account else None
        case "source.trustDomain":
            return _is_of(wanted, identity.trust_domain)
        case "source.principal":
            return _is_principal(wanted, identity)
        case _:
            return None


def _is_of(wanted: str, domain: str) -> bool | None:
    if wanted == "*":
        return True
    return re.fullmatch("[^/]*".join(map(re.escape, wanted.split("*"))), domain) is not None if domain else None


def _is_principal(wanted: str, identity: Identity) -> bool | None:
    if wanted == "*":
        return True
    if not identity.trust_domain:
        return None
    before = f"{identity.trust_domain}/ns/{identity.namespace}/sa/"
    if identity.account:
        return text_meets(wanted, before + identity.account)
    if text_meets(wanted, before + ANY_ACCOUNT):
        return True
    if wanted.startswith("*"):
        place, slash, _ = wanted.removeprefix("*").rpartition("/")
        return None if not slash or before.endswith(f"{place}/") else False
    return None if wanted.startswith(before) else False
