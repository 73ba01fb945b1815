"""What tokens cost: published prices by model and day, or the tenant's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal

_MILLION = Decimal(1_000_000)
_MICRODOLLAR = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``tokens_cached`` are those of ``tokens_in`` that the provider had at hand."""

    tokens_in: int
    tokens_out: int
    tokens_cached: int = 0

    @property
    def tokens(self) -> int:
        """All tokens together."""
        return self.tokens_in + self.tokens_out

    def times(self, count: int) -> Usage:
        """So many calls like this one."""
        return Usage(self.tokens_in * count, self.tokens_out * count, self.tokens_cached * count)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens: sent, sent and found in the provider's cache, received."""

    input_usd: Decimal
    cached_usd: Decimal
    output_usd: Decimal

    def cost_usd(self, usage: Usage) -> Decimal:
        """Return the cost in US dollars, rounded up to a millionth."""
        fresh = usage.tokens_in - usage.tokens_cached
        total = (
            fresh * self.input_usd
            + usage.tokens_cached * self.cached_usd
            + usage.tokens_out * self.output_usd
        )
        return (total / _MILLION).quantize(_MICRODOLLAR, ROUND_UP)


@dataclass(frozen=True, slots=True)
class _Listed:
    model: str
    since: date
    price: Price


def _listed(model: str, since: str, sent: str, cached: str, received: str) -> _Listed:
    price = Price(Decimal(sent), Decimal(cached), Decimal(received))
    return _Listed(model, date.fromisoformat(since), price)


# OpenAI's list prices for standard processing, each from the day on which the model was announced with it.
# A new price is a new row; the old one stays, for calls of its time.
_LIST = (
    _listed("gpt-4o", "2024-10-02", "2.50", "1.25", "10.00"),
    _listed("gpt-4o-mini", "2024-10-02", "0.15", "0.075", "0.60"),
    _listed("gpt-4.1", "2025-04-14", "2.00", "0.50", "8.00"),
    _listed("gpt-4.1-mini", "2025-04-14", "0.40", "0.10", "1.60"),
    _listed("gpt-4.1-nano", "2025-04-14", "0.10", "0.025", "0.40"),
    _listed("gpt-5", "2025-08-07", "1.25", "0.125", "10.00"),
    _listed("gpt-5-mini", "2025-08-07", "0.25", "0.025", "2.00"),
    _listed("gpt-5-nano", "2025-08-07", "0.05", "0.005", "0.40"),
    # Of recordings: what a token of audio costs, which is more than one of text.
    _listed("gpt-4o-transcribe", "2025-03-20", "6.00", "6.00", "10.00"),
    _listed("gpt-4o-mini-transcribe", "2025-03-20", "3.00", "3.00", "5.00"),
    # The local stand-in charges what the smallest model does, so that budgets have something to count.
    _listed("stand-in", "2024-01-01", "0.05", "0.005", "0.40"),
)


def price_of(model: str, day: date) -> Price | None:
    """Return the list price of a model on a day, or None when it is not known.

    A dated snapshot (``gpt-4.1-2025-04-14``) costs what its model does.
    """
    known = [row for row in _LIST if row.since <= day and _is_version_of(model, row.model)]
    if not known:
        return None
    return max(known, key=lambda row: (len(row.model), row.since)).price


def _is_version_of(model: str, listed: str) -> bool:
    if model == listed:
        return True
    rest = model.removeprefix(listed)
    # A date or, of the stand-in, the name of a behaviour; "gpt-4.1-mini" is no version of "gpt-4.1".
    return rest != model and (rest[0] == ":" or (rest[0] == "-" and rest[1:5].isdigit()))
