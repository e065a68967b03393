"""The certificate that every probe workload shows where a connection speaks TLS to it.

It keeps no secret: it is in the source for everybody, so that a client can tell that TLS reached a pod as it was sent,
whatever name was asked for. Stand-ins show it on loopback, and in the pods of a run.
"""

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1tZXNocHJv
b2YgcG9kMCAXDTIwMDEwMTAwMDAwMFoYDzIxOTkwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1tZXNocHJvb2YgcG9kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgAsp
dnp2LIga8sgdh8Iytn2ELLdQVwxYh9wtQ+be9f9b5OzkN4WYXek6BCqbVVLt/ebp
Tok/jZGHsaf4LVh18KNgMF4wHAYDVR0RBBUwE4IRbWVzaHByb29mLmV4YW1wbGUw
DwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUsMpBibTcHFDcz7F3r3BhV8vRrMEw
DgYDVR0PAQH/BAQDAgKEMAoGCCqGSM49BAMCA0gAMEUCIHv7vg5aOOcWzjIfjzIX
wJlgUfKdrkgTv+dZWrlQKS/CAiEAygdzwzJC34sQ2n1fVXUYdBnAkVwB1swf1u0l
aJ5lzfs=
-----END CERTIFICATE-----
"""

KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCzD0IrX1Y+FXgDNM
sJ3S/03zwlKWmWQm1VwY6FXYo+ehRANCAASACyl2enYsiBryyB2HwjK2fYQst1BX
DFiH3C1D5t71/1vk7OQ3hZhd6ToEKptVUu395ulOiT+NkYexp/gtWHXw
-----END PRIVATE KEY-----
"""
