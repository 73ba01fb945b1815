"""What a check of the accounts' power finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PowerFault:
    """Something that a process must not start with, and the SQL that mends it; ``code`` names the kind."""

    reason: str
    sql: str
    code: str
