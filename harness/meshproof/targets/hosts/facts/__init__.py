"""The facts of a host: a module for each subject, with a few commands and a record in border/facts."""
