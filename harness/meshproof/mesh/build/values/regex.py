"""Regular expressions of routes, refused where istiod or Envoy refuses them."""

from __future__ import annotations

from meshproof.manifest.value import Value


def checked_regex(place: Value, text: str, hint: str = "") -> str:
    """A regular expression of a VirtualService, which istiod's validation reads first; raises ManifestError."""
    from meshproof.mesh.model.regex import NotRe2Error, check_by_istiod

    try:
        check_by_istiod(text)
    except NotRe2Error as error:
        raise place.problem(_no_regex(place, error), hint) from None
    return envoy_regex(place, text, hint)


def envoy_regex(place: Value, text: str, hint: str = "") -> str:
    """A regular expression that istiod hands to Envoy as it is; raises ManifestError."""
    # Few folders have a regular expression.
    from meshproof.mesh.model.regex import NotRe2Error, compile_re2

    try:
        compile_re2(text)
    except NotRe2Error as error:
        raise place.problem(_no_regex(place, error), hint, by_envoy=True) from None
    return text


def _no_regex(place: Value, error: Exception) -> str:
    return f"{place.shown} is no RE2 regular expression: {error}"
