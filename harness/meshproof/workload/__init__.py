"""The probe workload: a small HTTP server that answers as the samples do and keeps books of what it got."""
