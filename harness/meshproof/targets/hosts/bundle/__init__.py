"""The offline bundle: fetched, checked against its checksum, unpacked safely, and read."""
