"""RequestAuthentications: which requests they can touch."""
