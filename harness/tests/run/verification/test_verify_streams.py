"""Calls of several messages that a person names are held by what comes of them."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Precision
from meshproof.errors import UsageError
from meshproof.run.verification.verification import prepare_verification
from meshproof.suite import folder

FILES = [str(folder("scenarios") / "grpc" / name) for name in ("greeter.yaml", "timeout.yaml")]
CALL = "grpc://greeter:9000/helloworld.Greeter/SayHello"
SEVERAL = f"{CALL} 'x-meshproof-stream:server 3 0.1'"


@pytest.mark.parametrize(("call", "held"), [(CALL, False), (SEVERAL, True)])
def test_only_where_a_call_has_several_messages(call: str, held: bool) -> None:
    made = prepare_verification(FILES, [], (parse(call),), Precision())
    assert made.samples is not None
    assert ("Streams" in [check.name for check in made.samples.checks]) is held
    assert made.resilience is not None
    # Answers that are asked for are those of one message.
    assert not any("x-meshproof-stream" in dict(one.headers) for one in made.resilience.load.requests)


def test_who_is_no_stand_in_does_not_know_them() -> None:
    with pytest.raises(UsageError, match="stand-ins alone"):
        prepare_verification(FILES, [], (parse(SEVERAL),), Precision(), probed=False)
