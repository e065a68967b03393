"""The CORS filter of an HTTPRoute.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter; what istiod makes of it:
pilot/pkg/config/kube/gateway/conversion.go (createCorsFilter).
"""

from __future__ import annotations

import re

from meshproof.manifest.value import Value
from meshproof.mesh.model.virtual_service import CorsPolicy, MatchKind, StringMatch

ORIGIN = re.compile(r"\*|https?://((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:[0-9]{1,5})?")
# What istiod has for `*`: any origin that has the form of one, so neither `null` nor one with a slash at its end.
ANY_ORIGIN = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"
SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
# Seconds: what the API server puts in.
MAX_AGE = 5


def cors(value: Value) -> CorsPolicy:
    """The policy; preflights that it does not allow are answered all the same."""
    origins = _words(value, "allowOrigins")
    for one in value.list("allowOrigins"):
        if not ORIGIN.fullmatch(one.text()):
            raise one.problem(f"{one.shown} is no origin", "such as https://shop.example, https://*.shop.example or *")
    for field in ("allowOrigins", "allowMethods", "allowHeaders"):
        several = _words(value, field)
        if "*" in several and len(several) > 1:
            raise value.need(field).problem(f"{field} cannot have * beside others")
    credentials, age = value.get("allowCredentials"), value.get("maxAge")
    return CorsPolicy(
        tuple(_origin(text, one) for text, one in zip(origins, value.list("allowOrigins"), strict=True)),
        _words(value, "allowMethods"),
        _words(value, "allowHeaders"),
        _words(value, "exposeHeaders"),
        float(age.whole(1) if age else MAX_AGE),
        True if credentials and credentials.flag() else None,
        answers_unmatched=True,
    )


def _words(value: Value, field: str) -> tuple[str, ...]:
    return tuple(one.text() for one in value.list(field))


def _origin(text: str, place: Value) -> StringMatch:
    if text == "*":
        return StringMatch(MatchKind.REGEX, ANY_ORIGIN, place.location)
    if "*" not in text:
        return StringMatch(MatchKind.EXACT, text, place.location)
    if text.count("*") == 1 and text.endswith("*"):
        return StringMatch(MatchKind.PREFIX, text[:-1], place.location)
    pattern = SPECIAL.sub(lambda found: f"\\{found[0]}", text).replace("\\*", ".*")
    return StringMatch(MatchKind.REGEX, f"^{pattern}$", place.location)
