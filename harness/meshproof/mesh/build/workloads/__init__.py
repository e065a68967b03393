"""All kinds that make pods, read by one reader."""
