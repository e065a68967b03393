"""Every request gets exactly the answer that is specified for it."""
