"""Requests that meet two rules at once, or one rule and not an earlier one."""
