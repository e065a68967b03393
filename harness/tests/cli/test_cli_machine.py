"""What the machine itself refuses is no verdict on the mesh: 3, in few words, and nothing stays behind.

Each command has a mount or network namespace of its own, so that the machine's own disk and loopback stay as they are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ALONE = ["unshare", "--map-root-user", "--mount", "--net", "bash", "-c"]
FULL = "ip link set lo up && mkdir -p out && mount -t tmpfs -o size=16k tmpfs out"
# The loopback of a new network namespace is down.
DOWN = "true"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (shutil.which("ip") and shutil.which("unshare"))
        or subprocess.run([*ALONE, FULL.replace("out", "/tmp")], check=False).returncode != 0,
        reason="needs iproute2, and a system that lets everybody make namespaces",
    ),
]


def ended(place: Any, first: str, words: str) -> subprocess.CompletedProcess[str]:
    line = f"{first} && exec {sys.executable} -P -m {words}"
    return subprocess.run([*ALONE, line], cwd=place.here, env=place.env, capture_output=True, text=True, timeout=300)


PYTEST = "pytest -c /dev/null --rootdir . -p no:cacheprovider --import-mode=importlib --mesh-tolerance 10"


@pytest.mark.parametrize("size", ["4k", "8k", "12k", "16k", "24k", "48k"])
def test_a_full_disk_under_pytest(place: Any, size: str) -> None:
    """Whatever is written when it gets full: events, manifests, a report."""
    place.suite("suite", "one")
    done = ended(place, FULL.replace("16k", size), f"{PYTEST} suite --mesh-output out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "No space left on device" in done.stdout + done.stderr
    assert place.left_over() == []


def test_a_full_disk(place: Any) -> None:
    place.mesh("spec")
    done = ended(place, FULL, f"meshproof {' '.join(place.verify)} --output out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert 1 <= done.stderr.count("No space left on device") <= 2
    assert "report: " not in done.stdout + done.stderr
    assert place.left_over() == []


@pytest.mark.parametrize("words", ["verify -o json", "verify -o junit", "certify -o json", "certify --sign key.pem"])
def test_a_disk_that_is_full_before_there_is_anything_to_print(place: Any, words: str) -> None:
    place.mesh("spec")
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place.here / "key.pem").write_bytes(private)
    done = ended(place, FULL, f"meshproof {words} {' '.join(place.verify[1:])} --output out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "certificate: " not in done.stderr
    assert done.stderr.count("No space left on device") == 1
    assert place.left_over() == []


def test_a_loopback_that_is_down(place: Any) -> None:
    place.mesh("spec")
    done = ended(place, DOWN, f"meshproof {' '.join(place.verify)} --output out -o json")
    assert done.returncode == 3, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "error"
    assert [one["outcome"] for one in report["checks"] if one["outcome"] != "passed"] == []
    (message, *_) = [one["message"] for one in report["errors"]]
    assert message == "load generator: the system that it runs on sends nothing: network is unreachable"
    assert place.left_over() == []


def test_workers_whose_loopback_is_down_are_not_waited_for(place: Any) -> None:
    place.mesh("spec")
    done = ended(place, DOWN, f"meshproof {' '.join(place.verify)} --workers 2 --output out -o json")
    assert done.returncode == 3, done.stdout + done.stderr
    assert {one["message"] for one in json.loads(done.stdout)["errors"]} == {
        "load generator: Locust's workers reach their master by 127.0.0.1, which cannot be used: network is unreachable"
    }
    assert place.left_over() == []


def test_a_loopback_that_is_down_under_pytest(place: Any) -> None:
    place.suite("suite", "one")
    done = ended(place, DOWN, f"{PYTEST} suite --mesh-output out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "network is unreachable" in done.stdout
    assert place.left_over() == []
