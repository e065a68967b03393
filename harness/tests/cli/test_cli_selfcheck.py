"""`meshproof selfcheck` on real Envoy: mutants are killed, and checks that cannot fail are found."""

from __future__ import annotations

import json
import shutil

import pytest
from meshproof.border.verdict import Precision
from meshproof.cli.prove import Proof, prove
from meshproof.run.discover import scenarios, select
from meshproof.run.prepare import prepare
from meshproof.run.selfcheck.mutants import cases, sample
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget
from sure import SURE

# Mutants are off by less than what other commands tell apart here.
RATES = ("--alpha", f"{SURE.alpha:g}")

TOOTHLESS = """
from meshproof import Load, Scenario
from meshproof.border.verdict import Outcome, Verdict


class Believing:
    name = "Believing"

    def begin(self, plan):
        return [BelievingTrial(plan)]


class BelievingTrial:
    check, stage, request, limit = "Believing", 0, 0, 1

    def __init__(self, plan):
        self.plan = plan
        self.count = 0

    def observe(self, observation):
        self.count += 1

    @property
    def decided(self):
        return self.count >= self.limit

    def arms(self):
        return ()

    def conclude(self, books):
        return Verdict(self.plan.scenario, self.check, Outcome.{outcome}, "it looks fine", n=self.count)


scenario = Scenario(
    name="Believer",
    description="Nothing is wrong whatever happens.",
    manifests=["helloworld.yaml", "subsets.yaml", "by-header.yaml"],
    load=Load("steady", "GET http://helloworld:5000/hello"),
    expect=[Believing()],
)
"""


@pytest.fixture
def toothless(tmp_path):
    """A proof about a check that always comes to the same outcome, with a few of its mutants."""

    def make(outcome: str, size: int) -> Proof:
        shutil.copytree(folder("scenarios") / "canary", tmp_path / "suite" / "believing")
        (tmp_path / "suite" / "believing" / "test_canary.py").unlink()
        module = TOOTHLESS.replace("{outcome}", outcome)
        (tmp_path / "suite" / "believing" / "test_believing.py").write_text(module)
        found = scenarios(tmp_path / "suite")
        every = list(cases(found[0], Precision()))
        plain = [prepare(one.scenario, one.folder, Precision()) for one in found]
        return Proof(EmbeddedTarget(), plain, sample(every, size, 1), len(every), Precision(), Precision(), 0)

    return make


def test_a_sample_of_real_mutants_is_killed(place):
    ended = place.run(
        "selfcheck",
        "CanarySplit",
        "CanaryByHeader",
        "--sample",
        "4",
        "--seed",
        "2",
        *RATES,
        "-o",
        "json",
        "--output",
        "kept",
    )
    assert ended.code == 0, ended.err
    score = ended.report["score"]
    assert (score["killed"], score["of"], score["survived"]) == (4, 4, 0)
    assert score["found"] > 40
    for mutant in ended.report["mutants"]:
        assert mutant["status"] == "killed"
        assert set(mutant["by"]) <= {"Split", "NoErrors"}
        assert mutant["reason"]
        assert "scenarios/canary/" in mutant["location"]
    assert {one["outcome"] for one in ended.report["scenarios"]} == {"passed"}
    assert json.loads((place.here / "kept" / "selfcheck.json").read_text()) == ended.report


@pytest.mark.long
def test_a_check_that_never_fails_leaves_survivors(toothless, tmp_path, capfd):
    assert prove(toothless("PASSED", 3), "table", tmp_path / "kept") == 1
    out, err = capfd.readouterr()
    assert out.count("survived  Believer") == 3
    assert "0 of 3 mutants killed (0 %)" in out
    assert "Believing was never the check that failed a mutant" in out
    assert err.count("survived  Believer") == 3


@pytest.mark.long
def test_undecided_is_not_failed(toothless, tmp_path):
    assert prove(toothless("INCONCLUSIVE", 1), "json", tmp_path / "kept") == 1
    record = json.loads((tmp_path / "kept" / "selfcheck.json").read_text())
    assert [one["status"] for one in record["mutants"]] == ["survived"]
    assert record["mutants"][0]["outcome"] == "inconclusive"


def test_a_check_that_fails_everything_proves_nothing(toothless, tmp_path, capfd):
    assert prove(toothless("FAILED", 1), "table", tmp_path / "kept") == 1
    out, _ = capfd.readouterr()
    assert "failed  Believer as it is" in out


def test_mutants_are_listed_without_being_run(place):
    ended = place.run("selfcheck", "CanaryRamp", "--list")
    assert ended.code == 0
    rows = ended.out.splitlines()
    assert any("weights-shifted  weights 90, 10 → 85, 15" in row and "weight-10.yaml:13:19" in row for row in rows)
    assert any("equivalent: the same" in row for row in rows)


def test_the_same_seed_draws_the_same_sample():
    every = list(cases(select(scenarios(), ["CanarySplit"])[0], Precision()))
    first, again, other = (sample(every, 5, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 5
    assert [every.index(one) for one in first] == sorted(every.index(one) for one in first)


def test_ones_own_manifests_are_made_wrong_and_verified(place):
    place.mesh("spec")
    ended = place.run(
        "selfcheck", "-f", "spec", "--sample", "4", "--seed", "3", *RATES, "-o", "json", "--output", "kept"
    )
    assert ended.code == 0, ended.out + ended.err
    score = ended.report["score"]
    assert (score["killed"], score["of"], score["survived"]) == (4, 4, 0)
    assert score["found"] > 20
    assert "spec: 4 of" in ended.err
    assert ended.report["own"] == "spec"
    assert [(one["scenario"], one["outcome"]) for one in ended.report["scenarios"]] == [("spec", "passed")]
    for mutant in ended.report["mutants"]:
        assert mutant["part"].startswith(("VirtualService default/helloworld", "DestinationRule default/helloworld"))
        assert mutant["location"].startswith("spec/")
        assert mutant["status"] in ("killed", "equivalent", "refused")
        assert set(mutant["by"]) <= {"Answers", "Split", "NoErrors", "Timeout", "Retries"}


def test_mutants_of_ones_own_manifests_are_listed_with_their_rules(place):
    place.mesh("spec")
    ended = place.run("selfcheck", "-f", "spec", "--list", "--request", "GET http://helloworld:5000/hello")
    assert ended.code == 0, ended.err
    rows = ended.out.splitlines()
    named = "VirtualService default/helloworld, rule 1  weights-shifted  weights 90, 10 → 85, 15  spec/route.yaml:10:19"
    assert named in rows


def test_what_of_ones_own_manifests_cannot_be_proved_is_no_pass(place):
    place.mesh("spec")
    place.route("spec", place.undefined)
    filter = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: any}\nspec: {}\n"
    (place.here / "spec" / "filter.yaml").write_text(filter)
    ended = place.run("selfcheck", "-f", "spec", "--sample", "1")
    assert ended.code == 1, ended.out + ended.err
    assert "inconclusive  spec as it is" in ended.out
    assert "EnvoyFilter" in ended.out


def test_a_scenario_that_does_not_exist_is_refused(place):
    ended = place.run("selfcheck", "nothing")
    assert ended.code == 5
    assert "nothing" in ended.err


def test_a_cluster_has_a_namespace_of_its_own_for_ones_own_manifests(place):
    ended = place.run("selfcheck", "-f", "spec", "-n", "shop", "--target", "kind")
    assert ended.code == 4
    assert "-n is for the embedded mesh" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-f", "spec"), "-f takes the place of scenarios"),
        (("--request", "GET http://helloworld:5000/hello"), "--request is for your own manifests: name them with -f"),
        (("-n", "shop"), "-n is for your own manifests: name them with -f"),
        (("--target", "cluster"), "name one with --kubeconfig"),
        (("--context", "lab"), "--context is for --target kind, cluster and hosts"),
        (("--target", "kind", "--kube-proxy-mode", "ebpf"), "there are iptables, ipvs, nftables"),
    ],
)
def test_options_that_do_not_fit_the_target_are_refused(place, words, message):
    ended = place.run("selfcheck", "CanarySplit", "--sample", "1", *words)
    assert ended.code == 4
    assert message in ended.err
