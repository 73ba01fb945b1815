"""The Brain's settings as they are in force: the tenant's own, with the operator's behind them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache

from django.conf import settings

from apps.brain.enums import FallBack, Language, Provider, Tone
from apps.brain.models import ONLY_ROW, BrainSettings
from apps.brain.prices import Price, price_of
from apps.brain.slots import WAIT_S
from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.secrets import unseal
from apps.tenants.statements import OneRow

# After ten seconds people have turned to something else (Nielsen, "Usability Engineering", 1993).
_WAITED_FOR_S = 10
_WAITED_FOR_SLOT_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a month may cost: a notice at the soft limit, no further call at the hard one."""

    soft_usd: Decimal
    hard_usd: Decimal
    soft_tokens: int
    hard_tokens: int


@dataclass(frozen=True, slots=True)
class BrainConfig:
    """Everything that a call needs to know. The key is never shown by ``repr``."""

    provider: Provider
    base_url: str
    is_own_address: bool
    model: str
    api_key: str = field(repr=False)
    tone: Tone
    language: Language
    connect_timeout_s: int
    read_timeout_s: int
    most_retries: int
    concurrency: int
    limits: Limits
    own_price: Price | None
    captures_text: bool
    slot_wait_s: float = WAIT_S

    def hurried(self) -> BrainConfig:
        """The same for a call that a person waits for: one try, and no longer than they would wait."""
        return replace(
            self,
            connect_timeout_s=min(self.connect_timeout_s, _WAITED_FOR_S),
            read_timeout_s=min(self.read_timeout_s, _WAITED_FOR_S),
            most_retries=0,
            slot_wait_s=_WAITED_FOR_SLOT_S,
        )

    def price(self, day: date) -> Price | None:
        """The tenant's own price, or the list price of the model on a day; None when neither is known."""
        return self.own_price or price_of(self.model, day)

    def lacks(self, day: date) -> FallBack | None:
        """What the settings lack for the language model to be asked on a day; None when nothing."""
        if not self.api_key:
            return FallBack.NO_KEY
        if not self.model:
            return FallBack.NO_MODEL
        # A budget that cannot be read is spent.
        return None if self.price(day) else FallBack.NO_PRICE


def stored_settings() -> BrainSettings:
    """The row of settings, or an unsaved one with the defaults."""
    return _only_row().read() or BrainSettings(pk=ONLY_ROW)


@cache
def _only_row() -> OneRow[BrainSettings]:
    return OneRow.of(BrainSettings.objects.filter(pk=ONLY_ROW))


def read_config() -> BrainConfig:
    """Return the settings in force."""
    return config_of(stored_settings())


def read_voice_config() -> BrainConfig:
    """Return the settings in force for speech, which the operator may have answered elsewhere.

    A tenant that brings an address talks there, too; a key of the tenant's own goes before the operator's.
    """
    config = read_config()
    if config.is_own_address:
        return config
    operators_key = settings.REALTIME_API_KEY or settings.OPENAI_API_KEY
    is_own_key = config.api_key != settings.OPENAI_API_KEY
    return replace(
        config,
        base_url=settings.REALTIME_BASE_URL or config.base_url,
        api_key=config.api_key if is_own_key else operators_key,
    )


def config_of(row: BrainSettings) -> BrainConfig:
    """Return what a row of settings comes to.

    A stored key that cannot be read counts as none: the gate fails closed. The operator's key goes to the
    operator's address alone: a tenant that names an address brings a key.
    """
    is_own_address = bool(row.base_url)
    return BrainConfig(
        provider=Provider(row.provider),
        base_url=row.base_url or settings.OPENAI_BASE_URL,
        is_own_address=is_own_address,
        model=row.model or ("" if is_own_address else settings.OPENAI_MODEL),
        api_key=_own_key(row) or ("" if is_own_address else settings.OPENAI_API_KEY),
        tone=Tone(row.tone),
        language=Language(row.language),
        connect_timeout_s=row.connect_timeout_s,
        read_timeout_s=row.read_timeout_s,
        most_retries=row.most_retries,
        concurrency=row.concurrency,
        limits=Limits(
            soft_usd=row.soft_limit_usd,
            hard_usd=row.hard_limit_usd,
            soft_tokens=row.soft_limit_tokens,
            hard_tokens=row.hard_limit_tokens,
        ),
        own_price=_own_price(row),
        captures_text=row.captures_text,
    )


def _own_key(row: BrainSettings) -> str:
    if not row.sealed_key:
        return ""
    try:
        return unseal(row.sealed_key)
    except SecretUnreadableError:
        return ""


def _own_price(row: BrainSettings) -> Price | None:
    if row.input_usd is None or row.cached_usd is None or row.output_usd is None:
        return None
    return Price(row.input_usd, row.cached_usd, row.output_usd)
