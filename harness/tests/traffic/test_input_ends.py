"""A generator ends with its standard input, also while its event loop does nothing else any more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

HANGS = """
from gevent import monkey
monkey.patch_all()
from meshproof.traffic.generator.stdio import end_with_input
end_with_input(monkey.get_original)
print("hangs", flush=True)
while True:
    pass
"""


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_process_that_hangs_ends_with_its_input_and_not_before(kind: str) -> None:
    reads, writes = os.pipe() if kind == "pipe" else (one.detach() for one in socket.socketpair())
    with subprocess.Popen([sys.executable, "-c", HANGS], stdin=reads, stdout=subprocess.PIPE) as child:
        os.close(reads)
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == b"hangs\n"
            os.write(writes, b"a message that nobody reads\n")
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.3)
            os.close(writes)
            assert child.wait(20) == 0
        finally:
            child.kill()
