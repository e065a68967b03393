"""The matchers that istiod writes for the values of a policy.

After istio/istio pilot/pkg/security/authz/matcher (string.go, header.go, template.go).
"""

from __future__ import annotations

import re

from envoy.extensions.path.match.uri_template.v3 import uri_template_match_pb2

from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields

MATCH_ONE, MATCH_ANY = "{*}", "{**}"
ANYTHING = ".+"


def string_matcher(value: str, *, ignore_case: bool = False) -> Fields:
    """A star at either end is a wildcard; alone it is any text but none."""
    if value == "*":
        return {"safe_regex": {"regex": ANYTHING}}
    case = {"ignore_case": True} if ignore_case else {}
    if value.startswith("*"):
        return {"suffix": value[1:], **case}
    return {"prefix": value[:-1], **case} if value.endswith("*") else {"exact": value, **case}


def with_prefix(value: str, prefix: str) -> Fields:
    """The same of a value that stands behind a prefix."""
    if value == "*":
        return {"safe_regex": {"regex": ANYTHING}}
    if value.startswith("*"):
        return {"safe_regex": {"regex": f"{prefix}.*{re.escape(value[1:])}"}}
    return {"prefix": prefix + value[:-1]} if value.endswith("*") else {"exact": prefix + value}


def header_matcher(name: str, value: str, *, ignore_case: bool = False) -> Fields:
    if value == "*":
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(value, ignore_case=ignore_case)}


def path_permission(value: str) -> Fields:
    """A path, or a template of paths."""
    if MATCH_ONE not in value and MATCH_ANY not in value:
        return {"url_path": {"path": string_matcher(value)}}
    template = value.replace(MATCH_ONE, "*").replace(MATCH_ANY, "**")
    config = packed(uri_template_match_pb2.UriTemplateMatchConfig, {"path_template": template})
    return {"uri_template": {"name": "uri-template", "typed_config": config}}
