"""The bench runner: what counts as a measure, what is printed and written."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from apps.operations.measuring import (
    Figure,
    NamedMeasure,
    find_measures,
    measures_in,
    render_table,
    take,
    write_results,
)

SCAN = Figure(
    app="triggers", name="scan", value=1.25, unit="s", target=1.5, baseline=1, remark="a\nb"
)
QUEUE = Figure(app="suggestions", name="queue page", value=13, unit="queries", target=12)
LIFT = Figure(app="predictions", name="AUC", value=0.75, unit="", target=0.7, better="higher")


def measure_nothing() -> dict[str, object]:
    return {"name": "nothing", "value": 0, "unit": "s"}


def measure_twice() -> Iterator[dict[str, object]]:
    yield {"name": "one", "value": 1, "unit": "s"}
    yield {"name": "two", "value": 2, "unit": "s", "better": "higher"}


def test_measures_are_the_functions_named_so() -> None:
    module = ModuleType("bench")
    vars(module).update(measure_nothing=measure_nothing, time_s=measure_twice, measure_limit=3)
    assert measures_in(module, "crm") == [NamedMeasure("crm", "nothing", measure_nothing)]


def test_measure_may_return_one_figure_or_yield_several() -> None:
    one = take(NamedMeasure("crm", "nothing", measure_nothing))
    assert list(one) == [Figure(app="crm", name="nothing", value=0, unit="s")]
    assert [figure.value for figure in take(NamedMeasure("crm", "twice", measure_twice))] == [1, 2]


def test_figure_with_a_misspelt_key_is_refused() -> None:
    named = NamedMeasure("crm", "x", lambda: {"name": "x", "value": 1, "unit": "s", "goal": 2})
    with pytest.raises(ValidationError):
        list(take(named))


def test_operations_measures_the_demo_and_unknown_apps_are_refused() -> None:
    assert [named.name for named in find_measures("operations")] == ["discovery", "demo"]
    with pytest.raises(LookupError, match=r"^No app named 'nonsense' measures anything\.$"):
        find_measures("nonsense")


def test_target_is_met_from_the_better_side() -> None:
    assert [figure.is_met for figure in (SCAN, QUEUE, LIFT)] == [True, False, True]
    assert Figure(app="crm", name="x", value=1, unit="s").is_met is None


def test_table_shows_value_target_baseline_and_remarks() -> None:
    assert render_table([SCAN, QUEUE]) == "\n".join(
        [
            "app          measure     value       target        baseline",
            "-----------  ----------  ----------  ------------  --------  ------",
            "triggers     scan        1.25 s      ≤ 1.5 s       1 s       met",
            "    a",
            "    b",
            "suggestions  queue page  13 queries  ≤ 12 queries            MISSED",
        ]
    )


def test_results_file_has_the_agreed_keys(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "results.json"
    write_results([SCAN], path)
    assert json.loads(path.read_text()) == [
        {
            "app": "triggers",
            "name": "scan",
            "value": 1.25,
            "unit": "s",
            "target": 1.5,
            "better": "lower",
            "baseline": 1.0,
        }
    ]
