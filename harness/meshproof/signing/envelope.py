"""DSSE envelopes: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md."""

from __future__ import annotations

import base64
import json
from typing import Any

from meshproof.records import dataclass
from meshproof.signing.keys import Signer, Verifier

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with one signature; `key_id` is a hint that nothing vouches for."""

    payload: bytes
    signature: bytes
    key_id: str

    def text(self) -> str:
        """One line of JSON, as the files of in-toto bundles have it (`.intoto.jsonl`)."""
        encoded = base64.b64encode(self.payload).decode()
        one = {"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode()}
        return json.dumps({"payloadType": PAYLOAD_TYPE, "payload": encoded, "signatures": [one]}) + "\n"

    def signed_by(self, key: Verifier) -> bool:
        return key.holds(encoded_for_signing(self.payload), self.signature)


def encoded_for_signing(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed says its own type and length."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, key: Signer) -> Envelope:
    """The payload, signed."""
    return Envelope(payload, key.sign(encoded_for_signing(payload)), key.verifier.id)


def parse(text: bytes) -> Envelope:
    """An envelope that stands alone in its file, as `text` writes it; raises ValueError for any other."""
    try:
        data: Any = json.loads(text)
        [one] = data["signatures"]
        found = Envelope(base64.b64decode(data["payload"]), base64.b64decode(one["sig"]), str(one["keyid"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ValueError("not a DSSE envelope with one signature") from None
    if found.text().encode() != text:
        # What nothing vouches for would otherwise go unseen: further fields, another type, other spaces.
        raise ValueError("not an envelope as meshproof writes it")
    return found
