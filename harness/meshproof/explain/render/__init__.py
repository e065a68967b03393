"""An explanation as text, and as a document."""
