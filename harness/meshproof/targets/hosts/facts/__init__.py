"""What is seen of a host: one module for each noun, each with a few commands and a record in border/."""
