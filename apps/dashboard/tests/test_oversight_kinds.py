"""Where people disagree, and a person against colleagues who decide on the same kinds."""

from __future__ import annotations

from apps.dashboard.oversight.kinds import (
    Comparison,
    Disagreement,
    Tally,
    comparisons,
    disagreements,
    kind_label,
)

ANN, BEN, CLEO = 1, 2, 3


def tally(person: int, decided: int, approved: int, trigger: str = "lead_new") -> Tally:
    return Tally(person, trigger, "create_followup", decided, approved)


def test_a_kind_that_two_people_see_differently() -> None:
    rows = [tally(ANN, 10, 9), tally(BEN, 8, 2), tally(CLEO, 4, 0)]
    assert disagreements(rows) == (
        Disagreement(
            "New lead: Create follow-up", decided=22, people=2, most=rows[0], least=rows[1]
        ),
    )
    assert disagreements(rows)[0].points == 65


def test_one_person_alone_or_few_decisions_are_no_disagreement() -> None:
    assert disagreements([tally(ANN, 10, 9), tally(BEN, 4, 0)]) == ()
    assert disagreements([tally(ANN, 5, 5), tally(BEN, 5, 5)]) == ()


def test_the_widest_stands_first() -> None:
    narrow = [tally(ANN, 10, 6, "lead_hot"), tally(BEN, 10, 5, "lead_hot")]
    wide = [tally(ANN, 10, 10), tally(BEN, 10, 0)]
    assert [row.points for row in disagreements([*narrow, *wide])] == [100, 10]


def test_colleagues_are_weighted_by_the_persons_own_mixture() -> None:
    """Of the easy kind colleagues accept all, of the hard one a fifth: Ann's mixture makes 0.8."""
    rows = [
        tally(ANN, 15, 15), tally(ANN, 5, 0, "lead_hot"),
        tally(BEN, 10, 10), tally(BEN, 10, 2, "lead_hot"),
    ]  # fmt: skip
    ann = comparisons(rows)[ANN]
    assert ann == Comparison(decided=20, accepted_0_1=0.75, colleagues_0_1=(15 * 1 + 5 * 0.2) / 20)
    assert ann.points == -5


def test_kinds_that_colleagues_hardly_decide_are_left_out() -> None:
    rows = [
        tally(ANN, 10, 10),
        tally(BEN, 4, 0),
        tally(ANN, 6, 3, "lead_hot"),
        tally(BEN, 9, 9, "lead_hot"),
    ]
    assert comparisons(rows)[ANN] == Comparison(decided=6, accepted_0_1=0.5, colleagues_0_1=1.0)


def test_of_a_few_decisions_nothing_is_compared() -> None:
    assert comparisons([tally(ANN, 4, 4), tally(BEN, 50, 0)]) == {}


def test_a_kind_without_a_trigger_is_called_by_its_tool() -> None:
    assert kind_label("", "create_followup") == "Create follow-up"
    assert kind_label("", "some_old_tool") == "some old tool"
