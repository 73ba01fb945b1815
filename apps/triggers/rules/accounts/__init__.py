"""Triggers about accounts."""

from apps.triggers.rules.accounts.renewals import RenewalApproaching
from apps.triggers.rules.accounts.risk import AccountAtRisk
from apps.triggers.rules.accounts.silence import AccountSilent

__all__ = ["AccountAtRisk", "AccountSilent", "RenewalApproaching"]
