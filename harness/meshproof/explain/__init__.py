"""Why one request goes where it goes: which rule takes it, why no other one does, and what is done to it."""
