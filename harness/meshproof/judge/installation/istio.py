"""What must be true of an installation of Istio before any routing on it is worth a test."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meshproof.border.facts.installation import InstallFacts, Message, Specified
from meshproof.border.istio_releases import RELEASES, minor, release
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, skipped, some, unknown

OK = 200
KINDS = ("destinationrules", "gateways", "serviceentries", "virtualservices")
GROUP = "networking.istio.io"
ROOT = "istio-system"


@dataclass(frozen=True, slots=True)
class VersionAsSpecified:
    """The control plane is of the version that was asked for, and istioctl of its minor version."""

    name: str = "VersionAsSpecified"

    def judge(self, facts: InstallFacts) -> Verdict:
        wanted = facts.specified.istio
        # `1.30` asks for any of its patches.
        if wanted and not f"{facts.istio}.".startswith(f"{wanted}."):
            return failed(f"Istio {wanted} is specified, and {facts.istio or 'one of unknown version'} is installed")
        if facts.istioctl and minor(facts.istioctl) != minor(facts.istio):
            return failed(f"istioctl is of {facts.istioctl}, the control plane of {facts.istio}")
        return passed(f"Istio {facts.istio}, istioctl {facts.istioctl or 'not used'}")


@dataclass(frozen=True, slots=True)
class ControlPlaneHealthy:
    """Every pod of Istio is ready, istiod among them."""

    name: str = "ControlPlaneHealthy"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.pods is None:
            return unknown(facts.unknown, "pods")
        bad = [f"{pod.name}: {pod.hindrance}" for pod in facts.pods if pod.hindrance]
        if bad:
            return failed(some(bad, "; "), pods=bad)
        if not any(pod.name.startswith("istiod") for pod in facts.pods):
            return failed("there is no pod of istiod")
        return passed(f"{len(facts.pods)} pods are ready", pods=[pod.name for pod in facts.pods])


@dataclass(frozen=True, slots=True)
class ImagesFromHub:
    """Every image of Istio comes from the hub that was specified: of its own pods, and of the injected sidecar."""

    name: str = "ImagesFromHub"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.pods is None:
            return unknown(facts.unknown, "pods")
        images = {f"{pod.name}/{name}": image for pod in facts.pods for name, image in pod.images.items()}
        if facts.sidecar:
            images["injected sidecar"] = facts.sidecar
        different = sorted({image.partition("@")[0] for image in images.values()})
        if not facts.specified.hub:
            return skipped(f"no hub was specified; the images are {some(different)}", images=images)
        strange = {where: image for where, image in images.items() if not from_hub(image, facts.specified)}
        if strange:
            told = [f"{where} has {image}" for where, image in strange.items()]
            return failed(f"not from {facts.specified.hub}: {some(told)}", images=images)
        return passed(f"{len(different)} images, all from {facts.specified.hub}", images=images)


@dataclass(frozen=True, slots=True)
class InjectionOn:
    """A pod that is made in a labelled namespace gets a sidecar."""

    name: str = "InjectionOn"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.sidecar is None:
            return unknown(facts.unknown, "sidecar")
        return passed(f"a new pod gets {facts.sidecar}") if facts.sidecar else failed("a new pod gets no sidecar")


@dataclass(frozen=True, slots=True)
class GatewayReachable:
    """Every ingress gateway answers on its readiness page."""

    name: str = "GatewayReachable"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.gateways is None:
            return unknown(facts.unknown, "gateways")
        if not facts.gateways:
            return skipped("no ingress gateway is installed")
        bad = [f"{one.name}: {one.error or f'answers {one.status}'}" for one in facts.gateways if one.status != OK]
        if bad:
            return failed(some(bad, "; "))
        return passed(some([f"{one.name} ({', '.join(one.addresses) or 'no address'})" for one in facts.gateways]))


@dataclass(frozen=True, slots=True)
class DefinitionsServed:
    """The API server serves Istio's kinds of routing in every version that this release has."""

    name: str = "DefinitionsServed"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.definitions is None:
            return unknown(facts.unknown, "definitions")
        known = release(facts.istio)
        wanted = known.served if known else RELEASES[-1].served
        there = {one.name: one for one in facts.definitions}
        evidence = {name: list(one.served) for name, one in there.items()}
        bad = []
        for kind in KINDS:
            found = there.get(f"{kind}.{GROUP}")
            if found is None:
                bad.append(f"{kind} is not defined")
            elif lacking := [version for version in wanted if version not in found.served]:
                bad.append(f"{kind} is not served as {', '.join(lacking)}")
        if bad:
            return failed(some(bad, "; "), served=evidence)
        return passed(f"{', '.join(KINDS)} as {', '.join(wanted)}", served=evidence)


@dataclass(frozen=True, slots=True)
class AnalysisClean:
    """`istioctl analyze` finds no errors in any namespace, and no warnings about Istio itself.

    What is about Istio itself stands in its namespace or in none. Warnings about what others have in the mesh are
    told. It is skipped where this user may not read what istioctl does.
    """

    name: str = "AnalysisClean"

    def judge(self, facts: InstallFacts) -> Verdict:
        if facts.messages is None:
            withheld = facts.withheld.get("messages")
            return skipped(withheld) if withheld else unknown(facts.unknown, "messages")
        told = [f"{one.level} {one.code} {one.origin}: {one.text}" for one in facts.messages]
        bad = [text for text, one in zip(told, facts.messages, strict=True) if _counts(one)]
        if bad:
            return failed(some(bad, "; "), messages=told)
        warnings = sum(one.level == "Warning" for one in facts.messages)
        words = (
            f"no errors; {warnings} warnings about others, {len(told) - warnings} notes" if told else "nothing found"
        )
        return passed(words, messages=told)


def _counts(message: Message) -> bool:
    about_istio = message.namespace in ("", ROOT)
    return message.level == "Error" or (message.level != "Info" and about_istio)


def from_hub(image: str, specified: Specified) -> bool:
    """Whether an image stands in the hub; docker.io is what a name without a registry means."""
    return _whole(image).startswith(_whole(specified.hub.rstrip("/")) + "/")


def _whole(name: str) -> str:
    registry = name.partition("/")[0]
    return name if re.search(r"[.:]|^localhost$", registry) else f"docker.io/{name}"
