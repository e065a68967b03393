"""From a file's text to its documents, each by itself: one that cannot be read costs none of the others."""
