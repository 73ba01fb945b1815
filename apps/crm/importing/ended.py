"""What others hear of an import that has ended."""

from __future__ import annotations

from django.dispatch import Signal

# Sent in the transaction that has written the records, with their ``kind``.
records_imported = Signal()
