"""What a person is told about a trigger's parameters, and what is wrong with those that were sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

# The unit stands at the end of a parameter's name; the longer ones come first.
UNITS = {
    "working_days": "working days", "days": "days", "hours": "hours", "weeks": "weeks",
    "points": "points", "percentile": "%",
    "percent": "%",
}  # fmt: skip

# Of a problem that lies in no single parameter.
TOGETHER = ""


@dataclass(frozen=True, slots=True)
class DeclaredParameter:
    """One parameter as its trigger declares it; ``unit`` is empty for a plain number."""

    name: str
    label: str
    unit: str
    lowest: int
    highest: int
    default: int
    help: str

    @property
    def is_switch(self) -> bool:
        """Whether it is a question of yes (1) or no (0)."""
        return (self.lowest, self.highest) == (0, 1)

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        return f"{self.lowest} to {self.highest}"

    def show(self, value: object) -> str:
        """A value in words, as in "14 days" or "on"."""
        if self.is_switch:
            return "on" if value else "off"
        return f"{value} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class ParameterProblem:
    """Why parameters are refused: which one, or ``TOGETHER``, and why, as a sentence."""

    name: str
    message: str


def declared(parameters_type: type[BaseModel]) -> tuple[DeclaredParameter, ...]:
    """Read the fields: ``title`` is the label, ``description`` the help, the unit stands in the name."""
    found = []
    for name, field in parameters_type.model_fields.items():
        bounds = {type(part).__name__: part for part in field.metadata}
        unit = next((unit for unit in UNITS if name.endswith(unit)), "")
        words = name.removesuffix(unit).strip("_").replace("_", " ") or unit
        found.append(
            DeclaredParameter(
                name=name,
                label=field.title or words.capitalize(),
                unit=UNITS.get(unit, ""),
                lowest=bounds["Ge"].ge,
                highest=bounds["Le"].le,
                default=field.default,
                help=field.description or "",
            )
        )
    return tuple(found)


def problems_in(
    error: ValidationError, parameters: Iterable[DeclaredParameter]
) -> tuple[ParameterProblem, ...]:
    """Say in a person's words what pydantic found."""
    by_name = {parameter.name: parameter for parameter in parameters}
    problems = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else TOGETHER
        if name == TOGETHER:
            message = problem["msg"].removeprefix("Value error, ") + "."
        elif name in by_name:
            message = f"A whole number from {by_name[name].bounds}."
        else:
            message = "There is no such parameter."
        problems.append(ParameterProblem(name, message))
    return tuple(problems)
