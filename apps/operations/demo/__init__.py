"""The demo's two tenants: real deals from files, and a seeded simulation of what the files lack."""
