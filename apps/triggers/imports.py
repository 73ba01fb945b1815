"""What an import writes and the change log does not tell."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.triggers.looks import look_anew
from apps.triggers.rules import registry


def look_at_what_is_untold(kind: RecordKind) -> None:
    """Let the next round look at everything with the triggers to which an import may say more."""
    look_anew([trigger.key for trigger in registry.all() if kind in trigger.untold_imports])
