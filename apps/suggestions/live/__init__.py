"""Telling open pages that suggestions have changed, as it happens."""
