"""Where a name and a password for a registry come from, and that they are in no message."""

import asyncio
import base64
import json
import os

import pytest
from meshproof.errors import UsageError
from meshproof.targets.hosts.images.credentials import Credentials, find

HOST = "127.0.0.1:5000"
WORD = "hunter-two"


@pytest.fixture
def look(tmp_path):
    def go(**environ):
        return asyncio.run(find(HOST, tmp_path, environ={"HOME": str(tmp_path), **environ}))

    return go


def auths(path, text=f"me:{WORD}", **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"auth": base64.b64encode(text.encode()).decode()}
    path.write_text(json.dumps({"auths": {HOST: entry}, **more}))


def test_the_environment_comes_first(look, tmp_path):
    auths(tmp_path / ".docker/config.json")
    found = look(MESHPROOF_REGISTRY_USERNAME="robot$x", MESHPROOF_REGISTRY_PASSWORD=WORD)
    assert found == Credentials("robot$x", WORD)
    assert WORD not in repr(found)
    with pytest.raises(UsageError, match="MESHPROOF_REGISTRY_USERNAME is not set"):
        look(MESHPROOF_REGISTRY_PASSWORD=WORD)


@pytest.mark.parametrize("place", [".docker/config.json", ".config/containers/auth.json"])
def test_the_files_of_docker_and_podman_are_read(look, tmp_path, place):
    assert look() is None
    auths(tmp_path / place, "me:with:colons")
    assert look() == Credentials("me", "with:colons")


def test_a_named_file_and_a_folder_of_docker_are_read(look, tmp_path):
    auths(tmp_path / "a.json")
    assert look(REGISTRY_AUTH_FILE=str(tmp_path / "a.json")) == Credentials("me", WORD)
    auths(tmp_path / "d/config.json")
    assert look(DOCKER_CONFIG=str(tmp_path / "d")) == Credentials("me", WORD)


@pytest.mark.parametrize("text", ["not json " + WORD, json.dumps({"auths": {HOST: {"auth": WORD + "!"}}})])
def test_an_unusable_file_is_reported_without_its_content(look, tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UsageError, match=r"a\.json") as caught:
        look(REGISTRY_AUTH_FILE=str(tmp_path / "a.json"))
    assert WORD not in str(caught.value)


@pytest.fixture
def helper(tmp_path):
    """A stand-in for a credential helper, which follows the protocol of docker's own."""

    def make(body):
        path = tmp_path / "bin" / "docker-credential-written"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nread -r server\n{body}\n")
        path.chmod(0o755)
        (tmp_path / ".docker").mkdir(exist_ok=True)
        (tmp_path / ".docker/config.json").write_text(json.dumps({"credHelpers": {HOST: "written"}}))
        return f"{path.parent}:{os.environ['PATH']}"

    return make


def test_a_credential_helper_is_asked(look, helper):
    path = helper(f"""echo '{{"ServerURL":"'$server'","Username":"me@'$server'","Secret":"{WORD}"}}'""")
    assert look(PATH=path) == Credentials(f"me@{HOST}", WORD)


def test_a_helper_that_has_nothing_is_no_error_and_any_other_failure_is(look, helper):
    assert look(PATH=helper('echo "credentials not found in native keychain"; exit 1')) is None
    with pytest.raises(UsageError, match="exit code 7"):
        look(PATH=helper("exit 7"))
    with pytest.raises(UsageError, match="Username and a Secret") as caught:
        look(PATH=helper(f"echo {WORD}"))
    assert WORD not in str(caught.value)


def test_a_helper_is_not_any_path(look, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"credHelpers": {HOST: "../../bin/sh"}}))
    with pytest.raises(UsageError, match="not the name of a credential helper"):
        look(REGISTRY_AUTH_FILE=str(tmp_path / "a.json"))


def test_the_file_for_the_tools_is_for_its_owner_alone(tmp_path):
    path = Credentials("me", WORD).auth_file(tmp_path, HOST)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"auths": {HOST: {"auth": base64.b64encode(f"me:{WORD}".encode()).decode()}}}
