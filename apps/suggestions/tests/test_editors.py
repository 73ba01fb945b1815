"""Who changed which field: each is named with what they wrote or left out, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from apps.conftest import ApiClient, Cast, TenantClient
from apps.suggestions.detail import present
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, edit
from apps.suggestions.tests.cases import NOW
from apps.suggestions.tests.test_review_edits import details_suggestion
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


def edited(suggestion: Suggestion, by: User, minutes: int, **values: str) -> Suggestion:
    return edit(
        suggestion_id=suggestion.pk,
        user=by,
        arguments={**suggestion.arguments, **values},
        now=NOW + timedelta(minutes=minutes),
    )


def editors(suggestion: Suggestion, viewer: User) -> dict[str, tuple[str, str]]:
    """Where each field comes from, and who edited it or left it out."""
    diff = present(suggestion, viewer).diff
    assert diff is not None
    return {row.field: (row.origin_label, row.edited_by) for row in (*diff.rows, *diff.left_out)}


def test_who_accepts_a_part_is_not_the_editor_of_anothers_values(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    _, suggestion = details_suggestion(cast)
    suggestion = edited(suggestion, cast.teammate, 1, phone="7")
    done = approve(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        now=NOW + timedelta(minutes=2),
        fields=["phone"],
    )
    assert (done.edited_by, done.edited_at, done.reviewed_by) == (
        cast.teammate, NOW + timedelta(minutes=1), cast.rep,
    )  # fmt: skip
    assert editors(done, cast.rep) == {
        "phone": ("edited", "Tom Mate"), "title": ("left out", "Rita Rep"),
    }  # fmt: skip
    page = client_for(cast.rep).get(f"/suggestions/{done.pk}/").content.decode()
    assert ("edited by Tom Mate</span>" in page, "left out by Rita Rep</span>" in page) == (
        True, True,
    )  # fmt: skip
    told = api_for(cast.rep).get(f"/api/v1/suggestions/{done.pk}/").json()["diff"]
    assert [(row["field"], row["edited_by"]) for row in told["fields"]] == [("phone", "Tom Mate")]
    assert [(row["field"], row["edited_by"]) for row in told["left_out"]] == [("title", "Rita Rep")]


def test_each_field_is_that_of_whoever_changed_it_last(cast: Cast) -> None:
    _, suggestion = details_suggestion(cast)
    suggestion = edited(suggestion, cast.teammate, 1, phone="7", title="Chief")
    suggestion = edited(suggestion, cast.rep, 2, title="Chief buyer")
    assert editors(suggestion, cast.rep) == {
        "phone": ("edited", "Tom Mate"), "title": ("edited", "Rita Rep"),
    }  # fmt: skip
    diff = present(suggestion, cast.rep).diff
    assert diff is not None
    assert diff.as_text().splitlines()[1:3] == [
        "  Phone: 1 → 7 (edited by Tom Mate)",
        "  Title: Buyer → Chief buyer (edited by Rita Rep)",
    ]


def test_what_is_as_it_was_proposed_is_nobodys(cast: Cast) -> None:
    _, suggestion = details_suggestion(cast)
    suggestion = edited(suggestion, cast.teammate, 1, phone="7", title="Chief")
    suggestion = edited(suggestion, cast.rep, 2, title="Head")
    assert editors(suggestion, cast.rep) == {
        "phone": ("edited", "Tom Mate"), "title": ("proposed", ""),
    }  # fmt: skip
