"""What a replay tells, as it is stored with its run: parsed where it is read again."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Week(_Told):
    """How often the trigger fired in one week of the tenant's zone; ``begins_on`` is its Monday."""

    begins_on: date
    fired: int


class Firings(_Told):
    """What the trigger would have done with some parameters.

    ``fired`` counts each time it became true, ``records`` those for which it did. What was true already
    when the time began has not fired in it. ``became`` is what the records are today, by outcome; empty
    for kinds that have none.
    """

    parameters: dict[str, int]
    fired: int
    records: int
    true_at_start: int
    true_at_end: int
    weeks: tuple[Week, ...]
    became: dict[str, int]


class SampleRecord(_Told):
    """One of the records for which it would have fired lately; ``became`` as in ``Firings``."""

    record_id: int
    fired: int
    last_fired_at: datetime
    became: str


class Caveat(_Told):
    """Something that the numbers do not know; ``code`` is stable."""

    code: str
    text: str


class ReplayResult(_Told):
    """The answer: with the parameters asked about, and with the tenant's present ones beside them.

    ``present`` is None when they are the same. The trigger was asked once a day, at the time of day of
    ``until``.
    """

    since: datetime
    until: datetime
    asked: Firings
    present: Firings | None
    sample: tuple[SampleRecord, ...]
    caveats: tuple[Caveat, ...]
