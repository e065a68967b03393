"""The offline bundle: fetched, held against its checksum, unpacked with suspicion, and read."""
