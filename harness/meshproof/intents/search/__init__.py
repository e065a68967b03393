"""What must never be, held against every sample and boundary probe of a folder."""
