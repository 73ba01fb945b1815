"""Promises that name a day, as people write them, and sentences that only sound like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

_SATURDAY = 5
_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi"),
}
_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
        *("October", "November", "December"),
    ),
    "de": (
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September"),
        *("Oktober", "November", "Dezember"),
    ),
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre"),
        *("octobre", "novembre", "décembre"),
    ),
}
_SENTENCES = {
    "en": (
        "I will call you back {when}.", "I will send the quote {when}.", "I'll get back to you {when}.",
        "You will have the service description from me {when}.", "We will send the revised offer {when}.",
    ),
    "de": (
        "Ich melde mich {when}.", "Ich rufe Sie {when} zurück.", "Das Angebot schicke ich Ihnen {when}.",
    ),
    "fr": (
        "Je vous rappelle {when}.", "Je vous envoie le devis {when}.", "Je reviens vers vous {when}.",
    ),
}  # fmt: skip
# They name a day, or promise something, but no step of ours on a day.
_NO_PROMISES = (
    "Their committee meets on Tuesday.",
    "You will hear from our customers when they have time.",
    "They will decide next week.",
    "The delivery left us on Monday.",
    "The fair begins on Thursday.",
    "I called on Monday, but nobody was there.",
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A sentence, and the day until which it is to be kept."""

    sentence: str
    due_on: date


def promise(at: datetime, rng: Random, *, names_dates: bool) -> Promise:
    """Promise something for one of the next days.

    Args:
        names_dates: days may be named by their date; the demo, whose dates move along, does without.
    """
    language = rng.choices(("en", "de", "fr"), weights=(7, 2, 1))[0]
    ways = _WAYS if names_dates else _WAYS[:-2]
    when, due_on = rng.choice(ways)(at.date(), language, rng)
    return Promise(rng.choice(_SENTENCES[language]).format(when=when), due_on)


def sounds_like_a_promise(rng: Random) -> str:
    """A sentence about a day on which we owe nothing."""
    return rng.choice(_NO_PROMISES)


def _weekday(day: date, language: str, rng: Random) -> tuple[str, date]:
    due_on = _soon(day, rng)
    name = _WEEKDAYS[language][due_on.weekday()]
    return {"en": f"on {name}", "de": f"am {name}", "fr": name}[language], due_on


def _tomorrow(day: date, language: str, rng: Random) -> tuple[str, date]:
    return {"en": "tomorrow", "de": "morgen", "fr": "demain"}[language], day + timedelta(days=1)


def _next_week(day: date, language: str, rng: Random) -> tuple[str, date]:
    friday = day + timedelta(days=11 - day.weekday())
    return {"en": "next week", "de": "nächste Woche", "fr": "la semaine prochaine"}[
        language
    ], friday


def _in_days(day: date, language: str, rng: Random) -> tuple[str, date]:
    days = rng.randint(2, 5)
    words = {"en": f"in {days} days", "de": f"in {days} Tagen", "fr": f"dans {days} jours"}
    return words[language], day + timedelta(days=days)


def _month_and_day(day: date, language: str, rng: Random) -> tuple[str, date]:
    due_on = _soon(day, rng)
    month = _MONTHS[language][due_on.month - 1]
    words = {
        "en": f"on {due_on.day} {month}", "de": f"am {due_on.day}. {month}", "fr": f"le {due_on.day} {month}"
    }  # fmt: skip
    return words[language], due_on


def _numbers(day: date, language: str, rng: Random) -> tuple[str, date]:
    due_on = _soon(day, rng)
    words = {
        "en": f"by {due_on.isoformat()}",
        "de": f"bis {due_on:%d.%m.%Y}",
        "fr": f"avant le {due_on:%d/%m/%Y}",
    }
    return words[language], due_on


def _soon(day: date, rng: Random) -> date:
    """One of the next working days, within a week."""
    ahead = (day + timedelta(days=days) for days in range(1, 7))
    return rng.choice([other for other in ahead if other.weekday() < _SATURDAY])


_WAYS: tuple[Callable[[date, str, Random], tuple[str, date]], ...] = (
    _weekday, _weekday, _tomorrow, _next_week, _in_days, _month_and_day, _numbers,
)  # fmt: skip
