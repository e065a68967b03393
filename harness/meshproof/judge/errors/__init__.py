"""No request fails that need not."""
