"""The records in the API: list, detail, create, change, and create-or-change by external id."""
