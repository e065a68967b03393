"""Which pods answer by where they run: shares of localities, and who takes over for whom."""
