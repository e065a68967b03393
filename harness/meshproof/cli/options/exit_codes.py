"""What the exit codes of most commands mean."""

EXIT_CODES = """\b
Exit codes:
  0  every check passed
  1  a check failed: the mesh is not what its YAML says; or is inconclusive
  2  interrupted
  3  the harness or the target broke, or what they need is missing: no verdict
  4  a command, an option or a manifest is wrong
  5  nothing was selected
"""
