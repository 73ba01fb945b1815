"""Triggers about deals."""

from apps.triggers.rules.deals.close_dates import DealCloseDatePast, DealCloseDatePushed
from apps.triggers.rules.deals.conversations import DealDecaying, DealHot, DealSingleThreaded
from apps.triggers.rules.deals.stages import DealRegressed, DealStalled

__all__ = [
    "DealCloseDatePast",
    "DealCloseDatePushed",
    "DealDecaying",
    "DealHot",
    "DealRegressed",
    "DealSingleThreaded",
    "DealStalled",
]
