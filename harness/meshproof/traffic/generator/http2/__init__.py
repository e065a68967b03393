"""Clients of gRPC: calls over HTTP/2, of one message and of several."""
