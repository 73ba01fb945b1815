"""Days as features: between a moment of the record and the moment that is asked about, in SQL."""

from __future__ import annotations

# What lies outside is a slip of a key, or a stand-in for "never".
_BELIEVABLE = "BETWEEN '1900-01-01' AND '2200-01-01'"


def days_since(moment: str) -> str:
    """Days from a moment (SQL) to the question's, as a fraction."""
    return (
        f"CASE WHEN {moment} {_BELIEVABLE} THEN extract(epoch FROM b.moment - {moment}) / 86400 END"
    )


def days_until(day: str) -> str:
    """Whole days from the question's day to another; negative when that has passed."""
    return f"CASE WHEN {day} {_BELIEVABLE} THEN {day} - b.day END"
