"""Preparing hosts for a mesh: planned first, applied step by step, journaled, and restored on request."""
