"""What an installation of Istio from a private registry needs of a host."""

from __future__ import annotations

from meshproof.border.facts.hosts import HostFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import HostCheck, matches, unjudged

REGISTRY_ANSWERS = (200, 401)
"""What /v2/ answers: 401 where it asks for credentials."""


class IstioctlOnPath(HostCheck):
    """A login shell and a non-login shell both find istioctl, the same, of the expected version."""

    def judge_host(self, host: HostFacts) -> Verdict:
        tool, wanted = host.istioctl, host.expect.istioctl
        evidence = {"login": tool.login, "plain": tool.plain, "version": tool.version}
        if not wanted:
            return unjudged(f"{tool.version or 'istioctl'} on PATH" if tool.login or tool.plain else "no istioctl")
        if tool.unseen:
            return undecided(tool.unseen, **evidence)
        if not tool.login and not tool.plain:
            return failed("neither a login shell nor a non-login shell finds istioctl", **evidence)
        if not tool.login or not tool.plain:
            who, other = (
                ("a login shell", "a non-login shell") if tool.login else ("a non-login shell", "a login shell")
            )
            return failed(f"{who} finds {tool.login or tool.plain}, {other} does not", **evidence)
        if tool.login != tool.plain:
            return failed(f"a login shell finds {tool.login}, a non-login shell {tool.plain}", **evidence)
        if not tool.version:
            return failed(f"{tool.login} does not say its version", **evidence)
        if not matches(wanted, tool.version):
            return failed(f"{tool.version}, and {wanted} is expected", **evidence)
        return passed(f"{tool.version} at {tool.login}", **evidence)


class RegistryHoldsImages(HostCheck):
    """The private registry answers this host and holds every image that the inventory lists."""

    def judge_host(self, host: HostFacts) -> Verdict:
        registry = host.registry
        if registry is None:
            return unjudged("no registry is named")
        if registry.unseen:
            return undecided(registry.unseen)
        if registry.error:
            return failed(f"no answer: {registry.error}")
        if registry.status not in REGISTRY_ANSWERS:
            return failed(f"it answers {registry.status} to /v2/")
        held = {image.image: image.digest for image in registry.images if image.status == 200}
        refused = [image.image for image in registry.images if image.status in (401, 403)]
        lacking = [image.image for image in registry.images if image.image not in (*held, *refused)]
        problems = [f"it does not hold {some(lacking)}"] if lacking else []
        problems += [f"{some(refused)} may not be read with these credentials"] if refused else []
        if problems:
            return failed("; ".join(problems), held=held)
        return passed(f"it answers, and holds {len(held)} of {len(registry.images)} images asked for", held=held)
