"""`manage.py bench`: finds the measures of all apps, runs them, prints and writes the figures.

An app offers measures in its `bench.py`: each public function whose name begins with
``measure_`` and takes no argument. It returns one mapping, or yields several, with the
keys of `Figure`. It generates what it needs in the tenant ``bench``, whose schema the
connection stands in, and times its baseline in the same call. Apps import nothing from
here: they stand above this one.
"""

import importlib
import importlib.util
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from django.apps import apps
from pydantic import BaseModel, ConfigDict

BENCH_TENANT = "bench"
_PREFIX = "measure_"

Measure = Callable[[], Mapping[str, object] | Iterable[Mapping[str, object]]]


class Figure(BaseModel):
    """One measured value beside its target and its baseline.

    Attributes:
        target: the value to reach, in the same unit; None where there is none.
        better: which direction is better.
        baseline: what the same costs without us, measured in the same run, if that exists.
        remark: what else the table shows, such as buffers; not written to the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: str
    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"
    baseline: float | None = None
    remark: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


@dataclass(frozen=True)
class NamedMeasure:
    """A measure and where it comes from."""

    app: str
    name: str
    measure: Measure


def find_measures(only: str | None = None) -> list[NamedMeasure]:
    """The measures of all apps, or of the app `only`, in the order of settings and source.

    Raises:
        LookupError: there is no app of ours with that name, or it measures nothing.
    """
    found = []
    for config in apps.get_app_configs():
        if not config.name.startswith("apps.") or only not in (None, config.label):
            continue
        # Imported only now: measures may need libraries that nobody else loads.
        if importlib.util.find_spec(f"{config.name}.bench") is not None:
            found += measures_in(importlib.import_module(f"{config.name}.bench"), config.label)
    if only is not None and not found:
        raise LookupError(f"No app named {only!r} measures anything.")
    return found


def measures_in(module: ModuleType, app: str) -> list[NamedMeasure]:
    """The measures that a `bench.py` offers."""
    return [
        NamedMeasure(app, name.removeprefix(_PREFIX), function)
        for name, function in vars(module).items()
        if name.startswith(_PREFIX) and inspect.isfunction(function)
    ]


def take(named: NamedMeasure) -> Iterator[Figure]:
    """Run one measure and check what it returns."""
    result = named.measure()
    rows = [result] if isinstance(result, Mapping) else result
    for row in rows:
        yield Figure.model_validate({"app": named.app, **row})


def render_table(figures: list[Figure]) -> str:
    """The figures as a table, remarks below their rows."""
    header = ("app", "measure", "value", "target", "baseline", "")
    rows = [
        (
            figure.app,
            figure.name,
            f"{figure.value:,.4g} {figure.unit}",
            "" if figure.target is None else _render_target(figure),
            "" if figure.baseline is None else f"{figure.baseline:,.4g} {figure.unit}",
            {True: "met", False: "MISSED", None: ""}[figure.is_met],
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [_render_row(header, widths), "  ".join("-" * width for width in widths).rstrip()]
    for row, figure in zip(rows, figures, strict=True):
        lines.append(_render_row(row, widths))
        lines += [f"    {line}" for line in figure.remark.splitlines()]
    return "\n".join(lines)


def write_results(figures: list[Figure], path: Path) -> None:
    """Write the figures as a JSON list, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    rows = [figure.model_dump(exclude={"remark"}) for figure in figures]
    partial.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    partial.replace(path)


def _render_target(figure: Figure) -> str:
    sign = "≤" if figure.better == "lower" else "≥"
    return f"{sign} {figure.target:,.4g} {figure.unit}"


def _render_row(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
