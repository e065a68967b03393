"""Requests with one and the same key reach one and the same pod."""
