"""Pure decisions about records."""

from __future__ import annotations

from apps.crm.enums import DealOutcome

# A new tenant's pipeline: key, label, outcome. An import adds stages that it does not know.
DEFAULT_STAGES: tuple[tuple[str, str, DealOutcome], ...] = (
    ("prospecting", "Prospecting", DealOutcome.OPEN),
    ("engaging", "Engaging", DealOutcome.OPEN),
    ("proposal", "Proposal", DealOutcome.OPEN),
    ("negotiation", "Negotiation", DealOutcome.OPEN),
    ("won", "Won", DealOutcome.WON),
    ("lost", "Lost", DealOutcome.LOST),
)
