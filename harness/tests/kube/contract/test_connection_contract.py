"""Which contexts are accepted, and the errors for a cluster that cannot be reached."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.targets.kube.api import kubeconfig as config
from meshproof.targets.kube.api.certificate import end_of_validity
from meshproof.targets.kube.api.connection import connect

StandIns = Callable[[str], Any]
SERVES = """
if "--client" in sys.argv:
    print('{"clientVersion": {"gitVersion": "v1.34.4"}}')
else:
    %s
"""
ANSWERS = 'print(\'{"serverVersion": {"gitVersion": "v1.34.4"}}\')'
PATIENT = Timeouts(kube_command=60)


def reach(
    kubeconfig: Path,
    context: str,
    kubectl: Path | str = "/nothing/kubectl",
    *,
    timeouts: Timeouts = PATIENT,
    allow: frozenset[str] = frozenset(),
) -> None:
    asyncio.run(connect((kubeconfig,), context, timeouts, kubectl=str(kubectl), allow=allow))


def test_the_current_context_is_never_used(kubeconfig: Path) -> None:
    with pytest.raises(UsageError, match=r"name the context with --context; the kubeconfig has: lab, shop-production"):
        reach(kubeconfig, "")


def test_an_unknown_context_is_reported_with_the_known_ones(kubeconfig: Path) -> None:
    with pytest.raises(UsageError, match=r"no context 'labs'; it has: lab, shop-production"):
        reach(kubeconfig, "labs")


def test_production_is_refused_before_anything_is_started(kubeconfig: Path) -> None:
    with pytest.raises(UsageError, match=r"shop-production is a production cluster: its name .* --allow production"):
        reach(kubeconfig, "shop-production")


def test_production_is_taken_when_that_is_allowed(kubeconfig: Path) -> None:
    with pytest.raises(TargetError, match="kubectl is needed"):
        reach(kubeconfig, "shop-production", allow=frozenset({"production"}))


@pytest.mark.parametrize("name", ["prod", "PROD", "eu-prod-1", "my_production", "arn:aws:eks:eu:1:cluster/prod"])
def test_names_that_say_production(name: str) -> None:
    assert config.PRODUCTION.search(name)


@pytest.mark.parametrize("name", ["products", "reproduce", "non-prod", "nonprod", "pre-production", "preprod", "lab"])
def test_names_that_do_not(name: str) -> None:
    assert not config.PRODUCTION.search(name)


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no kubeconfig at .*gone; name one with --kubeconfig"):
        reach(tmp_path / "gone", "lab")


@pytest.mark.parametrize("text", ["{", "[]", "just words", "\x00"])
def test_a_kubeconfig_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"cannot be read as a kubeconfig|is no kubeconfig"):
        reach(file, "lab")


@pytest.mark.parametrize("text", ["", "{}", '{"contexts": 3}', '{"contexts": [1, {"name": "x"}]}'])
def test_a_kubeconfig_without_contexts(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageError, match="no context 'lab'; it has: none"):
        reach(file, "lab")


def test_a_context_whose_cluster_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps({"contexts": [{"name": "lab", "context": {"cluster": "gone", "user": "me"}}]}))
    with pytest.raises(UsageError, match="context lab: the kubeconfig has no server for its cluster 'gone'"):
        reach(file, "lab")


def test_of_several_files_the_first_to_name_something_wins(tmp_path: Path, kubeconfig: Path) -> None:
    reported = json.loads(kubeconfig.read_text())
    reported["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:2"
    second = tmp_path / "second"
    second.write_text(json.dumps(reported))
    assert config.read((kubeconfig, second), "lab").server == "https://127.0.0.1:1"
    assert config.read((second, kubeconfig), "lab").server == "https://127.0.0.1:2"


def test_kubeconfigs_are_looked_for_where_kubectl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.touch()
    two.touch()
    monkeypatch.setenv("KUBECONFIG", f"{one}::{tmp_path / 'gone'}:{two}")
    assert config.paths(None) == (one, two)
    assert config.paths(str(two)) == (two,)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("sys.exit('Unable to connect to the server: dial tcp: connection refused')", "connection refused"),
        (
            "sys.exit('getting credentials: exec: executable aws failed with exit code 255')",
            "aws failed with exit code",
        ),
        ("print('{}')", "does not answer as an API server does"),
        ("print('<html>')", "its answer is no JSON"),
        (ANSWERS, "the API server at https://127.0.0.1:1 cannot be reached"),
    ],
)
def test_the_cause_of_a_failed_connection_is_reported(
    stand_in: StandIns, kubeconfig: Path, behaviour: str, words: str
) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        reach(kubeconfig, "lab", stand_in(SERVES % behaviour).path)
    assert "s3cr3t" not in str(caught.value)


def test_a_cluster_that_says_nothing_is_not_waited_for_forever(stand_in: StandIns, kubeconfig: Path) -> None:
    # The first answer, kubectl's own version, needs its time too.
    fake = stand_in(SERVES % "time.sleep(600)")
    with pytest.raises(TargetError, match="no end within 5 s"):
        reach(kubeconfig, "lab", fake.path, timeouts=Timeouts(kube_command=5))
    assert fake.alive() == []


def test_kubectl_is_asked_with_the_context_and_without_secrets(stand_in: StandIns, kubeconfig: Path) -> None:
    fake = stand_in(SERVES % ANSWERS)
    with pytest.raises(TargetError):
        reach(kubeconfig, "lab", fake.path)
    assert fake.calls[1]["argv"] == [
        *("--kubeconfig", str(kubeconfig), "--context", "lab", "version", "-o", "json"),
    ]
    assert "s3cr3t" not in json.dumps(fake.calls)


def test_nothing_is_left_of_a_connection_that_failed(
    stand_in: StandIns, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(TargetError):
        reach(kubeconfig, "lab", stand_in(SERVES % ANSWERS).path)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("year", [2031, 2062])
def test_the_end_of_a_certificate_is_read(year: int) -> None:
    end = datetime.datetime(year, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
    issued = trustme.CA().issue_cert(common_name="me", not_after=end)
    pem = issued.cert_chain_pems[0].bytes().decode()
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    assert end_of_validity(der) == end
    for broken in (b"", b"\x30", der[:20], b"\x30\x03abc", bytes(100)):
        with pytest.raises(ValueError, match=r"."):
            end_of_validity(broken)
