"""What must be true of the Kubernetes below an Istio before any routing on it is worth a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshproof.border.facts.installation import Balance, InstallFacts, NodeFact
from meshproof.border.istio_releases import RELEASES, minor, release, written
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.installation.check import InstallCheck
from meshproof.judge.proxy_modes import KERNELS, noted


class KubernetesSupported(InstallCheck[str]):
    """The API server's version is one that this release of Istio supports."""

    fact = "kubernetes"

    def judge_fact(self, kubernetes: str, facts: InstallFacts) -> Verdict:
        version, known = minor(kubernetes), release(facts.istio)
        pair = f"Kubernetes {kubernetes} with Istio {facts.istio or '(of unknown version)'}"
        if version is None or known is None:
            newest = ".".join(map(str, RELEASES[-1].istio))
            return undecided(f"{pair}: what that release supports is not known here (known up to {newest})")
        span = f"{written(known.oldest)} to {written(known.newest)}"
        if not known.supports(version):
            return failed(f"{pair}: Istio {written(known.istio)} supports Kubernetes {span}")
        return passed(f"{pair}; it supports {span}")


class NodesReady(InstallCheck[tuple[NodeFact, ...]]):
    """Every node is ready, and its kernel can do what the mode of kube-proxy needs."""

    fact = "nodes"

    def judge_fact(self, nodes: tuple[NodeFact, ...], facts: InstallFacts) -> Verdict:
        kernels = {node.name: node.kernel for node in nodes}
        bad = [f"{node.name} is not ready" for node in nodes if not node.ready]
        for node in nodes:
            mode = facts.specified.kube_proxy or node.kube_proxy
            least, kernel = KERNELS.get(mode), minor(node.kernel)
            if least and kernel and kernel < least:
                bad.append(f"{node.name} runs kernel {node.kernel}, and {mode} needs {written(least)}")
        if bad or not nodes:
            return failed(some(bad) or "there are no nodes", kernels=kernels)
        return passed(f"{len(nodes)} ready, kernels {some(sorted(set(kernels.values())))}", kernels=kernels)


class KubeProxyMode(InstallCheck[tuple[NodeFact, ...]]):
    """kube-proxy works in the same mode on every node: the one that was asked for, if one was."""

    fact = "nodes"

    def judge_fact(self, nodes: tuple[NodeFact, ...], facts: InstallFacts) -> Verdict:
        modes = {node.name: node.kube_proxy for node in nodes}
        sources = sorted({node.mode_from for node in nodes if node.mode_from})
        wanted = facts.specified.kube_proxy
        known = {mode for mode in modes.values() if mode}
        wrong = sorted(name for name, mode in modes.items() if mode and wanted and mode != wanted)
        if wrong:
            return failed(f"{wanted} is specified, and {_modes(modes, wrong)}", modes=modes)
        if len(known) > 1:
            return failed(f"not the same everywhere: {_modes(modes, modes)}", modes=modes)
        if len(known) != 1 or not all(modes.values()):
            silent = [name for name, mode in modes.items() if not mode]
            why = facts.unknown.get("kube_proxy", "its kube-proxy does not say")
            return undecided(f"the mode of {some(silent)} is not known: {why}", modes=modes)
        return passed(f"{noted(known.pop())} on every node ({', '.join(sources)})", modes=modes, told=sources)


def _modes(modes: Mapping[str, str], nodes: Iterable[str]) -> str:
    return some([f"{name} has {modes[name]}" for name in nodes])


class ServiceBalances(InstallCheck[Balance]):
    """Connections to a ClusterIP are all answered, and by every pod behind it.

    With n connections a mode that draws at random leaves one of k pods out with probability at most
    k (1 - 1/k)^n: for 2 pods and 64 connections 1.1e-19.
    """

    fact = "balance"

    def judge_fact(self, balance: Balance, facts: InstallFacts) -> Verdict:  # noqa: ARG002
        answers, answered = dict(balance.answers), sum(balance.answers.values())
        if answered < balance.requests:
            return failed(
                f"{balance.requests - answered} of {balance.requests} connections were not answered: {balance.error}",
                answers=answers,
            )
        others = sorted(set(answers) - set(balance.pods))
        if others:
            return failed(f"{some(others)} answered, and does not stand behind the address", answers=answers)
        idle = sorted(set(balance.pods) - {pod for pod, count in answers.items() if count})
        if idle:
            return failed(f"{some(idle)} got none of {balance.requests} connections", answers=answers)
        if len(balance.pods) < 2:
            return undecided("fewer than two pods stand behind the address", answers=answers)
        return passed(f"{balance.requests} connections reached {len(balance.pods)} pods", answers=answers)
