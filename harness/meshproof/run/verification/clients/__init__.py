"""Who sends which requests, where rules tell clients apart."""
