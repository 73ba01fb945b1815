"""The pages of targets: the list as each person sees it, the form, two people at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.predictions.models import SalesTarget
from apps.predictions.targets.periods import periods_around
from apps.predictions.tests.factories import ForecastFactory, SalesTargetFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
PATH = "/predictions/targets/"


def listed(client: TenantClient) -> list[str]:
    rows = client.get(PATH).context["rows"]
    return [str(row.target.team or row.target.owner or "The company") for row in rows]


def test_everybody_sees_theirs(cast: Cast, client_for: ClientFor) -> None:
    SalesTargetFactory()
    for scope in ("team", "other_team"):
        SalesTargetFactory(team=getattr(cast, scope))
    for name in ("rep", "teammate", "outsider"):
        SalesTargetFactory(owner=getattr(cast, name))
    assert sorted(listed(client_for(cast.rep))) == ["North", "Rita Rep", "Tom Mate"]
    assert sorted(listed(client_for(cast.manager))) == [
        "North", "Olga Out", "Rita Rep", "South", "The company", "Tom Mate",
    ]  # fmt: skip


def test_only_who_may_set_them_finds_the_buttons(cast: Cast, client_for: ClientFor) -> None:
    target = SalesTargetFactory(owner=cast.rep)
    found = {
        who: [
            address in client_for(getattr(cast, who)).get(PATH).content.decode()
            for address in (f"{PATH}new/", f"{PATH}{target.pk}/edit/", f"{PATH}{target.pk}/remove/")
        ]
        for who in ("rep", "manager")
    }
    assert found == {"rep": [False] * 3, "manager": [True] * 3}


def test_a_target_stands_beside_its_forecast(cast: Cast, client_for: ClientFor) -> None:
    SalesTargetFactory(owner=cast.rep)
    ForecastFactory(owner=cast.rep)
    page = client_for(cast.rep).get(PATH).content.decode()
    shown = [text in page for text in ("Q1 2026", "1,200\u00a0$", "1,000\u00a0$", "200\u00a0$")]
    assert shown == [True] * 4


def test_the_list_as_a_file(cast: Cast, client_for: ClientFor) -> None:
    SalesTargetFactory(owner=cast.rep)
    SalesTargetFactory(owner=cast.outsider)
    answer: Any = client_for(cast.rep).get(f"{PATH}export.csv")
    _, *lines = csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
    assert lines == [["Rita Rep", "Q1 2026", "2026-01-01", "2026-03-31", "1200.00", "USD"]]


def typed(**values: object) -> dict[str, str]:
    period = next(periods_around(timezone.localdate()))
    fields: dict[str, object] = {
        "whose": "company", "period": period.key, "amount": "$ 12,500.00", "currency": "usd", **values
    }  # fmt: skip
    return {name: str(value) for name, value in fields.items()}


def test_a_manager_sets_one_as_people_write_amounts(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    form = client.get(f"{PATH}new/").context["form"]
    assert form["currency"].value() == "USD"
    answer = client.post(f"{PATH}new/", typed(whose=f"team-{cast.team.pk}"))
    assert (answer.status_code, answer["Location"]) == (302, PATH)
    row = SalesTarget.objects.get()
    assert (row.team, row.owner, row.months, row.amount, row.currency) == (
        cast.team, None, 3, Decimal(12500), "USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": "much"}, "amount"), ({"amount": "-5"}, "amount"), ({"currency": "EUR"}, "currency"),
        ({"whose": "team-999999"}, "whose"), ({"period": "2020-01-3"}, "period"), ({"period": ""}, "period"),
    ],
)  # fmt: skip
def test_what_makes_no_target_is_said_at_its_field(
    cast: Cast, client_for: ClientFor, values: dict[str, str], field: str
) -> None:
    answer = client_for(cast.manager).post(f"{PATH}new/", typed(**values))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not SalesTarget.objects.exists()


def test_a_second_one_for_the_same_days_is_refused(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    client.post(f"{PATH}new/", typed())
    answer = client.post(f"{PATH}new/", typed())
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["period"])


def opened(client: TenantClient, target: SalesTarget) -> dict[str, str]:
    """What a browser sends back of the form as it was opened."""
    form = client.get(f"{PATH}{target.pk}/edit/").context["form"]
    sent = {"revision_read": str(form["revision_read"].value())}
    for name in ("whose", "period", "amount", "currency"):
        sent[name] = sent[form[name].html_initial_name] = str(form[name].value())
    return sent


def test_a_target_of_long_ago_can_still_be_changed(cast: Cast, client_for: ClientFor) -> None:
    target = SalesTargetFactory(starts_on=date(2020, 1, 1), owner=cast.rep)
    client = client_for(cast.manager)
    sent = opened(client, target) | {"amount": "99"}
    assert client.post(f"{PATH}{target.pk}/edit/", sent).status_code == 302
    target.refresh_from_db()
    assert (target.amount, target.starts_on, target.revision) == (Decimal(99), date(2020, 1, 1), 2)


def test_what_somebody_changed_meanwhile_is_shown_beside_what_was_typed(
    cast: Cast, client_for: ClientFor
) -> None:
    target = SalesTargetFactory()
    client, path = client_for(cast.manager), f"{PATH}{target.pk}/edit/"
    sent = opened(client, target)
    SalesTarget.objects.update(amount=1300, team=cast.team, revision=2)
    answer = client.post(path, sent | {"amount": "1400"})
    assert answer.status_code == 409
    changes = answer.context["meanwhile"]["changes"]
    assert [(row.label, row.theirs, row.mine) for row in changes] == [
        ("Whose", "North", ""), ("Amount", "1300", "1400"),
    ]  # fmt: skip
    form = answer.context["form"]
    assert (form["whose"].value(), form["amount"].value()) == (f"team-{cast.team.pk}", "1400")
    # The next save writes what stands there.
    again = {name: str(value) for name, value in form.data.items()}
    assert client.post(path, again).status_code == 302
    target.refresh_from_db()
    assert (target.team, target.amount, target.revision) == (cast.team, Decimal(1400), 3)


def test_it_is_removed_by_a_button_and_not_by_a_link(cast: Cast, client_for: ClientFor) -> None:
    target = SalesTargetFactory()
    client = client_for(cast.manager)
    assert client.get(f"{PATH}{target.pk}/remove/").status_code == 405
    assert client.post(f"{PATH}{target.pk}/remove/").status_code == 302
    assert not SalesTarget.objects.exists()


def test_the_queries_do_not_grow(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.manager)
    counts = []
    for owner in (cast.rep, cast.teammate, cast.outsider):
        SalesTargetFactory(owner=owner)
        ForecastFactory(owner=owner)
        with CaptureQueriesContext(connection) as queries:
            client.get(PATH)
        counts.append(len(queries))
    assert counts[0] == counts[2]
