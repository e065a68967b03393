"""What commands read of a live cluster, which none of them changes."""
