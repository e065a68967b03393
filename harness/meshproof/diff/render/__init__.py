"""A comparison as text, as Markdown, and as a document."""
