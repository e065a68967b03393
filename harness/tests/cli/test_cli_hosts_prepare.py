"""`hosts prepare` and `hosts restore` as they are typed: what is wrong is refused, with its own exit code."""

import subprocess
import sys

INVENTORY = "hosts:\n- {name: one, role: worker, address: 127.0.0.1, port: 1, user: root}\n"


def run(tmp_path, *args):
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    command = [sys.executable, "-c", "from meshproof.cli import main; main()", "hosts", *args]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/sbin"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_host_that_does_not_answer_is_an_error_of_the_target(tmp_path):
    for command in ("prepare", "restore"):
        code, out, err = run(tmp_path, command, "-f", "hosts.yaml")
        assert (code, out) == (3, ""), err
        assert "one: no SSH connection" in err


def test_wrong_arguments_are_refused(tmp_path):
    for args, words in [
        (("-f", "none.yaml"), "none.yaml"),
        (("-f", "hosts.yaml", "--limit", "two"), "no host two; it has one"),
        (("-f", "hosts.yaml", "--bundle", "nowhere"), "no such bundle"),
        (("-f", "hosts.yaml", "--bundle", "http://127.0.0.1:1/x"), "--bundle-sha256"),
    ]:
        code, _, err = run(tmp_path, "prepare", *args)
        assert code == 4, err
        assert words in err
        assert "Traceback" not in err


def test_the_help_shows_the_default(tmp_path):
    code, out, _ = run(tmp_path, "prepare", "--help")
    assert code == 0
    assert "default: dry-run" in out
