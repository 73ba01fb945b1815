"""Realtime voice as it is set: the tenant's own settings, with the operator's behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache

from django.conf import settings

from aisha.environment import origin_of
from apps.brain.config import read_voice_config
from apps.brain.enums import Language
from apps.realtime.models import ONLY_ROW, RealtimeSettings
from apps.tenants.statements import OneRow

# A token is for a call that begins now. OpenAI takes 10 s to two hours.
SECRET_LASTS = timedelta(seconds=120)
CONNECT_TIMEOUT_S = 3.0
# Somebody has pressed a button and waits.
READ_TIMEOUT_S = 8.0
# As stubs/openai_server/edge.py has it.
_STAND_INS_KEYS = "sk-stand-in"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may take: minutes, seconds of silence, US dollars; and a month of all of them."""

    length: timedelta
    idle: timedelta
    session_usd: Decimal
    month_usd: Decimal


@dataclass(frozen=True, slots=True)
class RealtimeConfig:
    """Everything that a session is configured with. The key is never shown by ``repr``."""

    base_url: str
    is_own_address: bool
    api_key: str = field(repr=False)
    model: str
    voice: str
    language: Language
    limits: Limits
    keeps_texts: bool
    telemetry_kept: timedelta

    @property
    def calls_url(self) -> str:
        """Where the browser brings its offer."""
        return f"{self.base_url.rstrip('/')}/realtime/calls"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the provider, as a content security policy names them."""
        return origin_of(self.base_url)

    @property
    def is_stand_in(self) -> bool:
        """Whether nobody real answers, whatever the model is called: nobody else takes such a key."""
        return (
            self.api_key.startswith(_STAND_INS_KEYS) or self.model.partition(":")[0] == "stand-in"
        )


def stored_settings() -> RealtimeSettings:
    """The row of settings, or an unsaved one with the defaults."""
    return _only_row().read() or RealtimeSettings(pk=ONLY_ROW)


@cache
def _only_row() -> OneRow[RealtimeSettings]:
    return OneRow.of(RealtimeSettings.objects.filter(pk=ONLY_ROW))


def read_config() -> RealtimeConfig:
    """Return the settings in force (``brain.config.read_voice_config``)."""
    brain, row = read_voice_config(), stored_settings()
    return RealtimeConfig(
        base_url=brain.base_url or settings.OPENAI_URL,
        is_own_address=brain.is_own_address,
        api_key=brain.api_key,
        model=row.model or settings.REALTIME_MODEL,
        voice=row.voice,
        language=brain.language,
        limits=Limits(
            length=timedelta(minutes=row.longest_session_min),
            idle=timedelta(seconds=row.longest_idle_s),
            session_usd=row.session_limit_usd,
            month_usd=row.month_limit_usd,
        ),
        keeps_texts=row.keeps_texts,
        telemetry_kept=timedelta(days=row.telemetry_days),
    )
