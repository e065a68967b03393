"""A client of ports that speak no HTTP: a new connection for each exchange, so that each of them is drawn anew."""

from __future__ import annotations

import contextlib
from time import perf_counter

from meshproof.border.observation import UNANSWERED
from meshproof.traffic.generator.answer import Answer
from meshproof.traffic.generator.client import CHUNK, HEAD_CAP, Client, described
from meshproof.traffic.generator.prepared import HELLO

# What stands for a greeting and an echo that came whole, where an answer of HTTP has a status.
OK = 200


class TcpClient(Client):
    """Sends one line, and wants a greeting that names pod and workload, and that line back."""

    def exchange(self, data: bytes, *, head: bool = False) -> Answer:
        """One connection from its start to its end, within the timeout."""
        answer = self.answer
        answer.begin(head_only=head)
        self.error = ""
        began = perf_counter()
        try:
            if self.socket is None:
                self.connect()
            self.deadline = began + self.timeout
            self._greeted(data)
        except TimeoutError:
            self.error = f"{UNANSWERED} {self.timeout:g} s"
        except OSError as error:
            self.error = described(error)
        self.deadline = 0.0
        if self.expired and not answer.complete:
            self.error = f"{UNANSWERED} {self.timeout:g} s"
        self.close()
        return answer

    def _greeted(self, data: bytes) -> None:
        channel, answer = self.socket, self.answer
        received = b""
        # A server that closes before it has read all resets the connection, one that has read all ends it: which of the
        # two a client meets is a matter of microseconds, so both have one text.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            channel.sendall(data)
            while part := channel.recv(CHUNK):
                received += part
                line, newline, echo = received.partition(b"\n")
                if (newline and len(echo) >= len(data)) or len(received) > HEAD_CAP:
                    self._read(line, echo, data)
                    return
        self.error = "connection closed in mid-answer" if received else "connection closed before an answer"
        answer.keep = False

    def _read(self, line: bytes, echo: bytes, data: bytes) -> None:
        answer = self.answer
        words = line.decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != HELLO or echo != data:
            self.error = "malformed answer"
            return
        answer.pod, answer.workload = words[1:]
        answer.status = OK
        answer.size = len(line) + 1 + len(echo)
        answer.complete = True
