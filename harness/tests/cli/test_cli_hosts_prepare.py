"""`hosts prepare` and `hosts restore` as they are typed: what is wrong is refused, with its own exit code."""

INVENTORY = "hosts:\n- {name: one, role: worker, address: 127.0.0.1, port: 1, user: root}\n"


def run(place, *args):
    (place.here / "hosts.yaml").write_text(INVENTORY)
    return place.run("hosts", *args)


def test_a_host_that_does_not_answer_is_an_error_of_the_target(place):
    for command in ("prepare", "restore"):
        ended = run(place, command, "-f", "hosts.yaml")
        assert (ended.code, ended.out) == (3, ""), ended.err
        assert "one: no SSH connection" in ended.err


def test_wrong_arguments_are_refused(place):
    for args, words in [
        (("-f", "none.yaml"), "none.yaml"),
        (("-f", "hosts.yaml", "--limit", "two"), "no host two; it has one"),
        (("-f", "hosts.yaml", "--bundle", "nowhere"), "no such bundle"),
        (("-f", "hosts.yaml", "--bundle", "http://127.0.0.1:1/x"), "--bundle-sha256"),
    ]:
        ended = run(place, "prepare", *args)
        assert ended.code == 4, ended.err
        assert words in ended.err
        assert "Traceback" not in ended.err


def test_the_help_shows_the_default(place):
    ended = run(place, "prepare", "--help")
    assert ended.code == 0
    assert "default: dry-run" in ended.out
