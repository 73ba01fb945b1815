"""Predictions in the API."""
