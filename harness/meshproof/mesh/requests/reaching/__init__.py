"""Rules for which requests are looked for, and why none is found."""
