"""Asking every address of a tenant's host as everybody, about everybody's rows."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from django.db import models, transaction

from apps.assistant.models import Conversation, Message
from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast, TenantClient
from apps.crm.changelog import record_models
from apps.crm.models import ImportRun, Record
from apps.duplicates.models import MatchRun, Pair
from apps.operations.tests.routes import Route
from apps.operations.tests.test_routes import (
    EXTERNAL_ID,
    MAKERS,
    PREDICTION,
    SOURCE,
    TRIGGER,
    WITH_ROW,
    Model,
    address_of,
    arguments_of,
    model_of,
    send,
)
from apps.predictions.models import Forecast, PredictionRun, SalesTarget, Score, Trial
from apps.realtime.models import Session
from apps.suggestions.models import BulkApproval, SavedView, Suggestion
from apps.triggers.models import ReplayRun, Scan, Signal
from apps.users.middleware import SELF_GUARDED_PREFIXES
from apps.users.models import ApiToken, User

# Whose the row is, seen from each person; the administrator is in no team.
OWN, TEAM, OTHERS, FOREIGN = "own", "team's", "other's", "other tenant's"
RELATIONS: dict[str, dict[str, str]] = {
    "anonymous": {OWN: "rep"},
    "rep": {OWN: "rep", TEAM: "teammate", OTHERS: "outsider"},
    "manager": {OWN: "manager", TEAM: "outsider", OTHERS: "rep"},
    "admin": {OWN: "admin", OTHERS: "rep"},
}
# The columns of the table: who asks, and about whose row.
COLUMNS = [
    (who, whose)
    for who, relations in RELATIONS.items()
    for whose in (*relations, *([FOREIGN] if who != "anonymous" else []))
]
# Who knows every method is asked first, whether the route does.
_FIRST = ("admin", OWN)

# By whose answer it is known whether a route takes a method at all.
_FIRST = ("admin", OWN)

PAGE_METHODS = ("GET", "POST")
TOOL = "update_lead"
KEY_COLUMNS = ("path", "method")

Rows = dict[Model, models.Model]
Answers = Mapping[tuple[str, str], tuple[int | None, ...]]


def rows_of_everybody(cast: Cast) -> dict[str, Rows]:
    """The rows of each person whom the columns name."""
    owners = {name for relations in RELATIONS.values() for name in relations.values()}
    return {name: rows_of(getattr(cast, name)) for name in sorted(owners)}


def rows_of(person: User) -> Rows:
    """A row of each kind that is the person's, wherever a kind can be somebody's."""
    rows = {model: make() for model, make in MAKERS.items() if model is not AuditEntry}
    record_event(Actor.for_person(person), Entry(Event.EXPORTED))
    rows[AuditEntry] = AuditEntry.objects.latest("pk")
    for model, row in rows.items():
        _give(model, row, person)
    return rows


def _give(model: Model, row: Any, person: User) -> None:
    values: dict[str, Any] = {}
    if isinstance(row, Record):
        values = {"owner": person, "source": SOURCE, "external_id": external_id_of(person)}
    elif isinstance(row, Suggestion):
        values = {"assignee": person}
        _give_record(row.record_kind, row.record_id, person)
    elif isinstance(row, Signal | Score):
        _give_record(row.record_kind, row.record_id, person)
    elif isinstance(row, Pair):
        for ref in (row.survivor, row.duplicate):
            _give_record(ref.kind, ref.id, person)
    elif isinstance(row, ApiToken | SavedView):
        values = {"user": person}
    elif isinstance(row, Session):
        values = {"person": person}
    elif isinstance(row, BulkApproval | MatchRun | PredictionRun | ReplayRun | Scan | Trial):
        values = {"requested_by": person}
    elif isinstance(row, ImportRun):
        values = {"started_by": person}
    elif isinstance(row, Forecast | SalesTarget):
        values = {"owner": person}
    elif isinstance(row, Conversation):
        values = {"person": person}
    elif isinstance(row, Message):
        Conversation.objects.filter(pk=row.conversation_id).update(person=person)
    if values:
        model._default_manager.filter(pk=row.pk).update(**values)


def _give_record(kind: str, record_id: int, person: User) -> None:
    model = next(model for model in record_models() if model.kind == kind)
    model._default_manager.filter(pk=record_id).update(owner=person)


class Asker:
    """Asks as each person about each row; what a call writes is taken back at once."""

    def __init__(
        self,
        cast: Cast,
        clients: Mapping[str, TenantClient],
        rows: Mapping[str, Rows],
        foreign: Rows,
    ) -> None:
        self._cast, self._clients, self._rows, self._foreign = cast, clients, rows, foreign
        self._sessions = {
            who: {name: morsel.value for name, morsel in client.cookies.items()}
            for who, client in clients.items()
        }

    def statuses(self, route: Route, method: str) -> tuple[int | None, ...] | None:
        """What a route answers, by column; None in a column that makes no difference.

        None as a whole where the route does not know the method, or is a page that is read and sent alone.
        """
        is_page = not route.path.startswith(SELF_GUARDED_PREFIXES)
        if is_page and method not in PAGE_METHODS:
            return None
        first = self._status(route, method, *_FIRST)
        if first == 405:
            return None
        return tuple(
            first if column == _FIRST else self._status(route, method, *column)
            for column in COLUMNS
        )

    def _status(self, route: Route, method: str, who: str, whose: str) -> int | None:
        if route not in WITH_ROW and whose != OWN:
            return None
        client = self._clients[who]
        # A call that signs out takes the cookie away.
        client.cookies = SimpleCookie(self._sessions[who])
        with transaction.atomic():
            answer = send(client, method, self._address(route, who, whose))
            transaction.set_rollback(True)
        status: int = answer.status_code
        return status

    def _address(self, route: Route, who: str, whose: str) -> str:
        if route not in WITH_ROW:
            key = TOOL if route.name == "tool-detail" else TRIGGER
            return route.fill(key=key, url="x", app_label="crm", prediction=PREDICTION)
        if whose == FOREIGN:
            return address_of(route, self._foreign)
        owner = RELATIONS[who][whose]
        model = model_of(route)
        assert model is not None
        values = arguments_of(route, self._rows[owner][model])
        external_id = external_id_of(getattr(self._cast, owner))
        return route.fill(**values | {"source": SOURCE, "external_id": external_id})


def external_id_of(person: User) -> str:
    """The external id of the records that are theirs."""
    return f"{EXTERNAL_ID}-{person.pk}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of what is expected: by path and method, then by column; an empty cell makes no difference."""

    path: Path
    columns: tuple[str, ...]

    def read(self) -> Answers:
        """What it says."""
        with self.path.open(newline="") as file:
            heading, *lines = csv.reader(file)
        assert heading == [*KEY_COLUMNS, *self.columns]
        return {
            (path, method): tuple(int(cell) if cell else None for cell in cells)
            for path, method, *cells in lines
        }

    def write(self, answers: Answers) -> None:
        """Take over what was answered, to be read line by line before it is kept."""
        with self.path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*KEY_COLUMNS, *self.columns])
            for key, cells in sorted(answers.items()):
                writer.writerow([*key, *("" if cell is None else cell for cell in cells)])

    def check(self, answers: Answers, routes: Iterable[Route]) -> None:
        """Hold what was answered to the table, and the table to the addresses."""
        if os.environ.get("AISHA_WRITE_URL_MATRIX"):
            self.write(answers)
        expected = self.read()
        assert {path for path, _ in answers} == {route.path for route in routes}
        assert sorted(set(answers) - set(expected)) == [], "addresses without a line in the table"
        assert sorted(set(expected) - set(answers)) == [], "lines without an address"
        wrong = [
            f"{method} {path} as {column} row: {got} and not {wanted}"
            for (path, method), statuses in answers.items()
            for column, got, wanted in zip(
                self.columns, statuses, expected[path, method], strict=True
            )
            if got != wanted
        ]
        assert wrong == []


TENANT_TABLE = Table(
    Path(__file__).with_suffix(".csv"), tuple(f"{who}: {whose}" for who, whose in COLUMNS)
)
PUBLIC_TABLE = Table(
    Path(__file__).with_name("url_matrix_public.csv"),
    ("anonymous: a", "operator: a", "operator: no such"),
)
