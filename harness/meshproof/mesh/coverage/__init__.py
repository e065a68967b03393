"""Which objects a request depends on, and so what is proved and what is not."""
