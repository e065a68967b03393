#!/usr/bin/env bash
# securesystemslib 1.6.0 and go-securesystemslib v0.11.1: what one of them signs with a key, the other does not verify with it.
#
# A signed in-toto statement is a DSSE envelope. The id of the key in it is optional and a mere hint: nobody signs it, and
# verifiers are to try the keys that they trust. Both libraries leave a signature aside whose id is not that of their
# key, and they reckon the id of one key in two ways. The Go library takes an empty id, and a signature without one,
# for what it is, which is how many tools write it; to the Python library the first counts as no signature, and the
# second is an error of its reader. So no way of writing the id suits both.
#
# Seen on 2026-11-30 (one Ed25519 key; the signature is right in each):
#   key id empty: Go: verified  Python: VerificationError
#   key id left out: Go: verified  Python: KeyError
#   key id of Go: Go: verified  Python: VerificationError
#   key id of Python: Go: accepted signatures do not match threshold, Found: 0, Expected 1  Python: verified
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check 'securesystemslib[crypto]==1.6.0'
mkdir go
cd go
cat >main.go <<'GO'
package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

type verifier ed25519.PublicKey

func (v verifier) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(ed25519.PublicKey(v), data, sig) {
		return fmt.Errorf("wrong")
	}
	return nil
}
func (v verifier) KeyID() (string, error)   { return dsse.SHA256KeyID(v.Public()) }
func (v verifier) Public() crypto.PublicKey { return ed25519.PublicKey(v) }

// Verifies the envelope of a file with the raw public key of another; `id` prints the id of that key.
func main() {
	raw, err := os.ReadFile("../public")
	if err != nil {
		panic(err)
	}
	if os.Args[1] == "id" {
		id, _ := verifier(raw).KeyID()
		fmt.Print(id)
		return
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(text, &envelope); err != nil {
		panic(err)
	}
	verifying, err := dsse.NewEnvelopeVerifier(verifier(raw))
	if err != nil {
		panic(err)
	}
	if _, err := verifying.Verify(context.Background(), &envelope); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("verified")
}
GO
go mod init verify 2>/dev/null
go get github.com/secure-systems-lab/go-securesystemslib@v0.11.1 2>/dev/null
go mod tidy 2>/dev/null
go build -o verify .
cd ..
cat >sign.py <<'PY'
import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import SSlibKey

key = Ed25519PrivateKey.generate()
with open("public", "wb") as file:
    file.write(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
with open("public.pem", "wb") as file:
    file.write(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
kind, payload = b"application/vnd.in-toto+json", b'{"_type": "https://in-toto.io/Statement/v1"}'
signed = key.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
body = {"payloadType": kind.decode(), "payload": base64.b64encode(payload).decode()}
print(json.dumps({**body, "signatures": [{"sig": base64.b64encode(signed).decode()}]}))
with open("id", "w") as file:
    file.write(SSlibKey.from_crypto(key.public_key()).keyid)
PY
cat >verify.py <<'PY'
import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

with open("public.pem", "rb") as file:
    key = SSlibKey.from_crypto(load_pem_public_key(file.read()))
try:
    with open(sys.argv[1]) as file:
        Envelope.from_dict(json.load(file)).verify([key], 1)
    print("verified")
except Exception as error:
    print(type(error).__name__)
PY
venv/bin/python sign.py >bare.json
own=$(cat id) other=$(cd go && ./verify id)

wrong=0
# expect WHAT GO PYTHON [ID]
expect() {
  python3 - "${@:4}" >envelope.json <<'PY'
import json
import sys

with open("bare.json") as file:
    envelope = json.load(file)
for keyid in sys.argv[1:]:
    envelope["signatures"][0]["keyid"] = keyid
print(json.dumps(envelope))
PY
  go=$(cd go && timeout 60 ./verify ../envelope.json) python=$(timeout 60 venv/bin/python verify.py envelope.json)
  echo "key id $1: Go: $go  Python: $python"
  [[ $go == "$2" && $python == "$3" ]] || wrong=1
}
expect empty verified VerificationError ''
expect 'left out' verified KeyError
expect 'of Go' verified VerificationError "$other"
expect 'of Python' 'accepted signatures do not match threshold, Found: 0, Expected 1' verified "$own"
if ((wrong)); then echo "not as stated any more"; exit 1; fi
