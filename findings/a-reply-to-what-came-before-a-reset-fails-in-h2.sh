#!/usr/bin/env bash
# h2 4.3.0 (HTTP/2 for Python): a reply to a message raises, and hides that the peer has reset the stream behind it.
#
# `receive_data` reads all frames of what has come, and then gives the events. So the connection is ahead of its events: where a message and a
# reset of its stream come in one read, the stream is closed before anybody has seen the message. A client that answers each message
# as it comes, as calls in both directions do, gets a StreamClosedError from `send_data` while it handles the first event; if it
# takes that for the end of the exchange, it never looks at the second one, which has the reason of the reset. Where they come in two reads
# the same client sees the reset. Which of the two happens depends on nothing but how fast it reads.
#
# Seen on 2026-12-01:
#   message and reset in two reads:  sent, then StreamReset (error 8)
#   message and reset in one read:   StreamClosedError at the reply; the events left unread: StreamReset (error 8)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check h2==4.3.0
cat >exchange.py <<'PY'
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamReset
from h2.exceptions import StreamClosedError

CANCEL = 8


def exchange(together):
    """What a client sees that answers each message at once."""
    client, server = H2Connection(H2Configuration()), H2Connection(H2Configuration(client_side=False))
    client.initiate_connection()
    server.initiate_connection()
    head = [(":method", "POST"), (":scheme", "http"), (":authority", "shop"), (":path", "/shop.Stock/Watch")]
    stream = client.get_next_available_stream_id()
    client.send_headers(stream, head)
    client.send_data(stream, b"one")
    server.receive_data(client.data_to_send())
    server.send_headers(stream, [(":status", "200")])
    server.send_data(stream, b"one")
    reads = [server.data_to_send()]
    server.reset_stream(stream, CANCEL)
    reads.append(server.data_to_send())
    seen = []
    for read in [b"".join(reads)] if together else reads:
        events = client.receive_data(read)
        for number, event in enumerate(events):
            if isinstance(event, DataReceived):
                try:
                    client.send_data(stream, b"two")
                    seen.append("sent")
                except StreamClosedError:
                    left = [f"{type(one).__name__} {int(one.error_code)}" for one in events[number + 1 :]]
                    return [*seen, "StreamClosedError, unread:", *left]
            elif isinstance(event, StreamReset):
                seen.append(f"StreamReset {int(event.error_code)}")
    return seen


print("two reads:", *exchange(False))
print("one read:", *exchange(True))
PY
timeout 100 venv/bin/python exchange.py | tee seen
stated='two reads: sent StreamReset 8
one read: StreamClosedError, unread: StreamReset 8'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
