"""The API server: reached by an explicit context, and what its refusals mean."""
