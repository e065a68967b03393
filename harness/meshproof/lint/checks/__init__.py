"""One file for each family of checks: what each looks for, and beside it its code, severity, title and fix."""
