"""How commands speak of themselves, in the language that is asked for."""
