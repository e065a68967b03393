"""Parts of traffic policies that take more than a few lines to read."""
