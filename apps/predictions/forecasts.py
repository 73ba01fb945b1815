"""Published forecasts as pages, files and the API read them: plain rows, no numerical library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Self

from django.db.models import Max, Q

from apps.predictions.enums import ForecastWindow
from apps.predictions.models import Forecast
from apps.predictions.querysets import ForecastQuerySet
from apps.predictions.schemas import ForecastFigures, MethodRecord
from apps.users.models import User

VIEW_PERMISSION = "predictions.view_forecast"
# Forecasts are made every night: two days without one mean that something stands still.
STALE_AFTER = timedelta(days=2)
_SCOPE = re.compile(r"company|(team|person)-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class ForecastScope:
    """Whose won revenue: a team's, a person's, or with neither the company's."""

    team_id: int | None = None
    owner_id: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a ``key``; None for anything else."""
        found = _SCOPE.fullmatch(text)
        if found is None:
            return None
        kind, row_id = found.groups()
        match kind:
            case "team":
                return cls(team_id=int(row_id))
            case "person":
                return cls(owner_id=int(row_id))
            case _:
                return cls()

    @property
    def key(self) -> str:
        """As it stands in addresses: ``company``, ``team-3``, ``person-12``."""
        if self.team_id is not None:
            return f"team-{self.team_id}"
        return "company" if self.owner_id is None else f"person-{self.owner_id}"

    @property
    def is_of(self) -> Q:
        """The filter for forecasts and targets of exactly this scope."""
        return Q(team=self.team_id, owner=self.owner_id)

    @property
    def is_of_deals(self) -> Q:
        """The filter for deals that count in it."""
        if self.team_id is not None:
            return Q(owner__team_id=self.team_id)
        return Q() if self.owner_id is None else Q(owner_id=self.owner_id)


@dataclass(frozen=True, slots=True)
class OfferedScope:
    """A scope that a person may choose, with its name."""

    scope: ForecastScope
    label: str


@dataclass(frozen=True, slots=True)
class Offered:
    """What forecasts a person may look at, by the newest day on which there are any.

    ``people`` and ``teams`` stand in the order of their names.
    """

    made_on: date
    company: OfferedScope | None
    teams: tuple[OfferedScope, ...]
    people: tuple[OfferedScope, ...]
    currencies: Mapping[ForecastScope, tuple[str, ...]]

    @property
    def scopes(self) -> tuple[OfferedScope, ...]:
        """All of them: the company, the teams, the people."""
        return (*((self.company,) if self.company else ()), *self.teams, *self.people)

    def default_for(self, user: User) -> OfferedScope:
        """The company for who sees it, else one's own, else the first there is."""
        own = (row for row in self.people if row.scope.owner_id == user.pk)
        return self.company or next(own, self.scopes[0])


@dataclass(frozen=True, slots=True)
class ForecastAsked:
    """Which forecast a person asks for; ``currencies`` are those that there are of its scope."""

    window: ForecastWindow
    whose: OfferedScope
    currency: str
    currencies: tuple[str, ...]

    @classmethod
    def read(
        cls, user: User, offered: Offered, params: Mapping[str, str], own_currency: str
    ) -> Self:
        """Read a query string; what is unknown, or not offered to this person, falls back."""
        wanted = ForecastScope.parse(params.get("scope", ""))
        whose = next((row for row in offered.scopes if row.scope == wanted), None)
        whose = whose or offered.default_for(user)
        currencies = offered.currencies[whose.scope]
        default = own_currency if own_currency in currencies else currencies[0]
        currency = params.get("currency", "")
        windows = [window for window in ForecastWindow if window == params.get("window")]
        return cls(
            window=windows[0] if windows else ForecastWindow.QUARTER,
            whose=whose,
            currency=currency if currency in currencies else default,
            currencies=currencies,
        )


@dataclass(frozen=True, slots=True)
class PublishedForecast:
    """A forecast with what stands behind it."""

    row: Forecast
    figures: ForecastFigures

    @property
    def scope(self) -> ForecastScope:
        """Whose it is."""
        return ForecastScope(self.row.team_id, self.row.owner_id)

    @property
    def still_open(self) -> Decimal:
        """What is still to be won by the middle one of the three numbers."""
        return self.row.p50 - self.row.won_so_far

    def is_stale(self, today: date) -> bool:
        """Whether no newer one was made for two days."""
        return today - self.row.made_on > STALE_AFTER


@dataclass(frozen=True, slots=True)
class PastForecast:
    """What was foretold of the same stretch on a day."""

    made_on: date
    p10: Decimal
    p50: Decimal
    p90: Decimal
    won_so_far: Decimal


def read_offered(user: User) -> Offered | None:
    """What this person may choose from, in two queries; None where nothing has been published for them."""
    visible = Forecast.objects.visible_to(user)
    newest = visible.aggregate(newest=Max("made_on"))["newest"]
    if newest is None:
        return None
    rows = visible.filter(made_on=newest).order_by("currency", "id")
    rows = rows.select_related("team", "owner").defer("figures")
    labels: dict[ForecastScope, str] = {}
    currencies: dict[ForecastScope, dict[str, None]] = {}
    for row in rows:
        scope = ForecastScope(row.team_id, row.owner_id)
        labels[scope] = str(row.team or row.owner or "The company")
        currencies.setdefault(scope, {})[row.currency] = None
    offered = [OfferedScope(scope, label) for scope, label in labels.items()]
    offered.sort(key=lambda row: (row.label.casefold(), row.scope.key))
    return Offered(
        made_on=newest,
        company=next((row for row in offered if row.scope == ForecastScope()), None),
        teams=tuple(row for row in offered if row.scope.team_id is not None),
        people=tuple(row for row in offered if row.scope.owner_id is not None),
        currencies={scope: tuple(found) for scope, found in currencies.items()},
    )


def read_forecast(
    scope: ForecastScope, window: ForecastWindow, currency: str
) -> PublishedForecast | None:
    """The newest one; None where there is none."""
    rows = Forecast.objects.filter(scope.is_of, window=window, currency=currency)
    row = rows.order_by("-made_on").first()
    return None if row is None else PublishedForecast(row, figures_of(row))


def figures_of(row: Forecast) -> ForecastFigures:
    """What stands behind a forecast's three numbers."""
    return ForecastFigures.model_validate(row.figures)


def read_methods(forecast: PublishedForecast) -> tuple[MethodRecord, ...]:
    """How each method did on earlier days: with the company's forecast, which others are parts of."""
    if forecast.figures.methods or forecast.scope == ForecastScope():
        return forecast.figures.methods
    row = forecast.row
    company = Forecast.objects.of_company().filter(
        window=row.window, currency=row.currency, made_on=row.made_on
    )
    kept = company.values_list("figures__methods", flat=True).first() or ()
    return tuple(MethodRecord.model_validate(method) for method in kept)


def of_same_stretch(row: Forecast) -> ForecastQuerySet:
    """Everything that was foretold of the same days, whose and in the same currency, the oldest first.

    Days count, not the name of the window: what is this month now was next month before.
    """
    scope = ForecastScope(row.team_id, row.owner_id)
    return Forecast.objects.filter(
        scope.is_of, currency=row.currency, starts_on=row.starts_on, ends_on=row.ends_on
    ).order_by("made_on", "id")


def read_history(row: Forecast) -> tuple[PastForecast, ...]:
    """How the forecast moved from day to day; one query."""
    values = of_same_stretch(row).values_list("made_on", "p10", "p50", "p90", "won_so_far")
    return tuple(PastForecast(*found) for found in values.filter(made_on__lte=row.made_on))


def read_latest(
    scope: ForecastScope, window: ForecastWindow, starts_on: date
) -> tuple[Forecast, ...]:
    """The newest forecasts of the days that begin there, in every currency; the largest first.

    One query, which leaves their figures aside.
    """
    rows = Forecast.objects.filter(scope.is_of, window=window, starts_on=starts_on)
    newest = rows.defer("figures").order_by("currency", "-made_on").distinct("currency")
    return tuple(sorted(newest, key=lambda row: (-row.p50, row.currency)))
