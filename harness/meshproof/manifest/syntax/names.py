"""The names, label keys and label values that Kubernetes takes.

Source: k8s.io/apimachinery pkg/util/validation/validation.go; https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.
Each function says what is wrong with a text, nothing where it is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LABEL_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
SUBDOMAIN = re.compile(rf"{LABEL_1123.pattern}(\.{LABEL_1123.pattern})*", re.ASCII)
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
PORT_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
VARIABLE = re.compile(r"[ -<>-~]+", re.ASCII)
HEADER = re.compile(r"[-A-Za-z0-9!#$%&'*+.^_`|~]+", re.ASCII)
CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)
RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
LONGEST_LABEL, LONGEST_SUBDOMAIN, LONGEST_PORT_NAME, LONGEST_CRON_JOB = 63, 253, 15, 52

Syntax = Callable[[str], str]


def _formed(text: str, form: re.Pattern[str], longest: int, what: str) -> str:
    if len(text) > longest:
        return f"has {len(text)} characters, of which Kubernetes takes {longest} at most"
    return "" if form.fullmatch(text) else f"is not {what}"


def label_1123(text: str) -> str:
    """A DNS label: namespaces, port names of Services, containers."""
    return _formed(
        text, LABEL_1123, LONGEST_LABEL, "lower-case letters, digits and '-' with a letter or digit at its ends"
    )


def label_1035(text: str) -> str:
    """A DNS label that begins with a letter: Services."""
    what = "lower-case letters, digits and '-' with a letter first and a letter or digit last"
    return _formed(text, LABEL_1035, LONGEST_LABEL, what)


def subdomain(text: str) -> str:
    """A DNS name: all other kinds."""
    what = "lower-case letters, digits, '-' and '.' with a letter or digit at each end"
    return _formed(text, SUBDOMAIN, LONGEST_SUBDOMAIN, what)


def stateful_set(text: str) -> str:
    """A StatefulSet's name, which is a part of its pods' host names."""
    return label_1123(text)


def job(text: str) -> str:
    """A Job's name, which is the value of a label of its pods."""
    return _formed(text, SUBDOMAIN, LONGEST_LABEL, "lower-case letters, digits, '-' and '.'")


def cron_job(text: str) -> str:
    """A CronJob's name, to which 11 characters are added for each of its Jobs."""
    return _formed(text, SUBDOMAIN, LONGEST_CRON_JOB, "lower-case letters, digits, '-' and '.'")


def qualified(text: str) -> str:
    """A label's or annotation's key: a name, with a DNS name and a slash before it or not."""
    prefix, slash, name = text.rpartition("/")
    if slash and (wrong := subdomain(prefix)):
        return f"{wrong} before its '/'"
    return _formed(
        name, QUALIFIED, LONGEST_LABEL, "letters, digits, '-', '_' and '.' with a letter or digit at its ends"
    )


def annotation_key(text: str) -> str:
    """An annotation's key, whose case does not count."""
    return qualified(text.lower())


def label_value(text: str) -> str:
    """A label's value, which may be empty."""
    if not text:
        return ""
    return _formed(
        text, QUALIFIED, LONGEST_LABEL, "letters, digits, '-', '_' and '.' with a letter or digit at its ends"
    )


def port_name(text: str) -> str:
    """The name of a container's port."""
    if not any(letter.isalpha() for letter in text):
        return "has no letter in it"
    what = "lower-case letters, digits and single '-' between them"
    return _formed(text, PORT_NAME, LONGEST_PORT_NAME, what)


def variable(text: str) -> str:
    """The name of a variable of a container's environment."""
    return "" if VARIABLE.fullmatch(text) else "is no name of a variable: visible ASCII without '='"


def header(text: str) -> str:
    """The name of a header of HTTP."""
    return "" if HEADER.fullmatch(text) else "is no name of a header"


def config_key(text: str) -> str:
    """A key of a ConfigMap or Secret."""
    return _formed(text, CONFIG_KEY, LONGEST_SUBDOMAIN, "letters, digits, '-', '_' and '.'")


def resource_name(text: str) -> str:
    """What a container may be given of: `cpu`, `memory`, or what a node offers by a name with a '/'."""
    if text in RESOURCES or text.startswith("hugepages-"):
        return ""
    return qualified(text) if "/" in text else f"is none of {', '.join(sorted(RESOURCES))}, and has no '/' in it"


def optional(syntax: Syntax) -> Syntax:
    """The same, or nothing."""

    def check(text: str) -> str:
        return syntax(text) if text else ""

    return check


NAMES: dict[str, Syntax] = {
    **{"Service": label_1035, "Namespace": label_1123, "CronJob": cron_job},
    **{"StatefulSet": stateful_set, "Job": job},
}
"""How each kind is named that is not named by a DNS name (`subdomain`)."""
