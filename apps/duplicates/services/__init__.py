"""The use cases of duplicates."""
