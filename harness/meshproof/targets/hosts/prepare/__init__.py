"""Making hosts ready for a mesh: planned first, done step by step, written down, and put back on demand."""
