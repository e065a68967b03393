"""Findings as text, and as the documents that editors, GitHub and GitLab read."""
