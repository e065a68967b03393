"""What becomes of a request at a Gateway before rules are asked: its servers, and the handshake of TLS."""
