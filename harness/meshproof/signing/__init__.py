"""Signatures of statements: DSSE envelopes, and keys in PEM."""
