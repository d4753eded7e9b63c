"""Records that are one and the same client: found, explained, decided."""
