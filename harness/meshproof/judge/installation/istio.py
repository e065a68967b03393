"""What must be true of an installation of Istio before any routing on it is worth a test."""

from __future__ import annotations

import re

from meshproof.border.facts.installation import Definition, GatewayFact, InstallFacts, Message, PodFact, Specified
from meshproof.border.istio_releases import RELEASES, minor, release
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, skipped, some
from meshproof.judge.installation.check import InstallCheck

OK = 200
KINDS = ("destinationrules", "gateways", "serviceentries", "virtualservices")
GROUP = "networking.istio.io"
ROOT = "istio-system"


class VersionAsSpecified(InstallCheck[str]):
    """The control plane is of the version that was asked for, and istioctl of its minor version."""

    fact = "istio"

    def judge_fact(self, istio: str, facts: InstallFacts) -> Verdict:
        wanted = facts.specified.istio
        # `1.30` asks for any of its patches.
        if wanted and not f"{istio}.".startswith(f"{wanted}."):
            return failed(f"Istio {wanted} is specified, and {istio or 'one of unknown version'} is installed")
        if facts.istioctl and minor(facts.istioctl) != minor(istio):
            return failed(f"istioctl is of {facts.istioctl}, the control plane of {istio}")
        return passed(f"Istio {istio}, istioctl {facts.istioctl or 'not used'}")


class ControlPlaneHealthy(InstallCheck[tuple[PodFact, ...]]):
    """Every pod of Istio is ready, istiod among them."""

    fact = "pods"

    def judge_fact(self, pods: tuple[PodFact, ...], facts: InstallFacts) -> Verdict:  # noqa: ARG002
        bad = [f"{pod.name}: {pod.hindrance}" for pod in pods if pod.hindrance]
        if bad:
            return failed(some(bad, "; "), pods=bad)
        if not any(pod.name.startswith("istiod") for pod in pods):
            return failed("there is no pod of istiod")
        return passed(f"{len(pods)} pods are ready", pods=[pod.name for pod in pods])


class ImagesFromHub(InstallCheck[tuple[PodFact, ...]]):
    """Every image of Istio comes from the hub that was specified: of its own pods, and of the injected sidecar."""

    fact = "pods"

    def judge_fact(self, pods: tuple[PodFact, ...], facts: InstallFacts) -> Verdict:
        images = {f"{pod.name}/{name}": image for pod in pods for name, image in pod.images.items()}
        if facts.sidecar:
            images["injected sidecar"] = facts.sidecar
        different = sorted({image.partition("@")[0] for image in images.values()})
        if not facts.specified.hub:
            return skipped(f"no hub was specified; the images are {some(different)}", images=images)
        foreign = [f"{where} has {image}" for where, image in images.items() if not from_hub(image, facts.specified)]
        if foreign:
            return failed(f"not from {facts.specified.hub}: {some(foreign)}", images=images)
        return passed(f"{len(different)} images, all from {facts.specified.hub}", images=images)


class InjectionOn(InstallCheck[str]):
    """A pod that is made in a labelled namespace gets a sidecar."""

    fact = "sidecar"

    def judge_fact(self, sidecar: str, facts: InstallFacts) -> Verdict:  # noqa: ARG002
        return passed(f"a new pod gets {sidecar}") if sidecar else failed("a new pod gets no sidecar")


class GatewayReachable(InstallCheck[tuple[GatewayFact, ...]]):
    """Every ingress gateway answers on its readiness page."""

    fact = "gateways"

    def judge_fact(self, gateways: tuple[GatewayFact, ...], facts: InstallFacts) -> Verdict:  # noqa: ARG002
        if not gateways:
            return skipped("no ingress gateway is installed")
        bad = [f"{one.name}: {one.error or f'answers {one.status}'}" for one in gateways if one.status != OK]
        if bad:
            return failed(some(bad, "; "))
        return passed(some([f"{one.name} ({', '.join(one.addresses) or 'no address'})" for one in gateways]))


class DefinitionsServed(InstallCheck[tuple[Definition, ...]]):
    """The API server serves Istio's kinds of routing in every version that this release has."""

    fact = "definitions"

    def judge_fact(self, definitions: tuple[Definition, ...], facts: InstallFacts) -> Verdict:
        known = release(facts.istio)
        wanted = known.served if known else RELEASES[-1].served
        served = {one.name: one.served for one in definitions}
        evidence = {name: list(versions) for name, versions in served.items()}
        bad = []
        for kind in KINDS:
            found = served.get(f"{kind}.{GROUP}")
            if found is None:
                bad.append(f"{kind} is not defined")
            elif lacking := [version for version in wanted if version not in found]:
                bad.append(f"{kind} is not served as {', '.join(lacking)}")
        if bad:
            return failed(some(bad, "; "), served=evidence)
        return passed(f"{', '.join(KINDS)} as {', '.join(wanted)}", served=evidence)


class AnalysisClean(InstallCheck[tuple[Message, ...]]):
    """`istioctl analyze` finds no errors in any namespace, and no warnings about Istio itself.

    Messages about Istio itself are those about its namespace or about what belongs to none. Warnings about other
    objects in the mesh are reported and fail nothing.
    """

    fact = "messages"

    def judge_fact(self, messages: tuple[Message, ...], facts: InstallFacts) -> Verdict:  # noqa: ARG002
        texts = [f"{one.level} {one.code} {one.origin}: {one.text}" for one in messages]
        bad = [text for text, one in zip(texts, messages, strict=True) if _fails(one)]
        if bad:
            return failed(some(bad, "; "), messages=texts)
        if not texts:
            return passed("nothing found", messages=texts)
        warnings = sum(one.level == "Warning" for one in messages)
        others = f"{warnings} warnings about others, {len(texts) - warnings} notes"
        return passed(f"no errors; {others}", messages=texts)


def _fails(message: Message) -> bool:
    about_istio = message.namespace in ("", ROOT)
    return message.level == "Error" or (message.level != "Info" and about_istio)


def from_hub(image: str, specified: Specified) -> bool:
    """Whether an image stands in the hub; docker.io is what a name without a registry means."""
    return _whole(image).startswith(_whole(specified.hub.rstrip("/")) + "/")


def _whole(name: str) -> str:
    registry = name.partition("/")[0]
    return name if re.search(r"[.:]|^localhost$", registry) else f"docker.io/{name}"
