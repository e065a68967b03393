"""Whether a certificate is what was issued."""
