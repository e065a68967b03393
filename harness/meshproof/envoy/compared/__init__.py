"""What a proxy of a cluster runs, beside what would be pushed to it here."""
