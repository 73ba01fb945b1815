"""Bringing records in from files: recognise, check, stage by COPY, write set-based in one transaction."""
