"""Which columns of somebody's table say what: by the words in their header, else by what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.duplicates.evaluation.contents import (
    fits,
    holds_addresses,
    holds_births,
    holds_dates,
    holds_phones,
    is_of_kinds,
    names_companies,
)
from apps.duplicates.evaluation.header_words import (
    BY_LAST_PART,
    COMPANY_COLUMNS,
    COMPANY_NAMES,
    CUSTOMERS,
    NAMES,
    PLACE_COLUMNS,
    WORDS,
    compact,
    ends_as,
    has_word,
    is_about_birth,
    names_company,
    readings,
)
from apps.duplicates.exceptions import TableRefusedError
from apps.duplicates.matching.fields import Field

# Of a table with one of these, what is called a name is a person's.
_OF_PERSONS = (Field.GIVEN_NAME, Field.SURNAME, Field.BIRTH_DATE)
_OF_SOMEBODY = (*_OF_PERSONS, Field.FULL_NAME, Field.EMAIL)

# Some cells of each column.
Cells = Mapping[str, Sequence[str]]


def recognise(header: Sequence[str], cells: Cells) -> dict[Field, str]:
    """The column of each field that a table has; ``cells`` are some of each column.

    Raises:
        TableRefusedError: no column says what can be compared.
    """
    chosen: dict[Field, str] = {}
    _choose_by_words(chosen, header, cells)
    _choose_by_last_parts(chosen, header, cells)
    _choose_names(chosen, header, cells)
    _choose_by_contents(chosen, header, cells)
    if not chosen:
        raise TableRefusedError(
            f"No column is recognised among {', '.join(header[:8])}: say which is which, as in "
            f"--columns given=first_name,email=mail. The fields are {', '.join(Field)}."
        )
    return {field: chosen[field] for field in Field if field in chosen}


def choose(header: Sequence[str], text: str) -> dict[Field, str]:
    """The columns that somebody named: "given=first_name,surname=last_name".

    Raises:
        TableRefusedError: a field or a column does not exist, or one is named twice.
    """
    chosen: dict[Field, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, equals, column = (side.strip() for side in part.partition("="))
        if not equals or not column:
            raise TableRefusedError(f"{part!r} names no column: write FIELD=COLUMN.")
        field = _field_of(word)
        require(header, column)
        if field in chosen or column in chosen.values():
            raise TableRefusedError(f"{part!r} is said twice: a field has one column.")
        chosen[field] = column
    if not chosen:
        raise TableRefusedError("No column is named: write FIELD=COLUMN,FIELD=COLUMN.")
    return chosen


def require(header: Sequence[str], column: str) -> None:
    """Hold a column's name against the header.

    Raises:
        TableRefusedError: there is none of that name.
    """
    if column not in header:
        raise TableRefusedError(
            f"There is no column {column!r}. The file has {', '.join(header[:20])}."
        )


def _field_of(word: str) -> Field:
    known = compact(word)
    for field, words in WORDS.items():
        if known in words:
            return field
    if known in NAMES | CUSTOMERS:
        return Field.FULL_NAME
    raise TableRefusedError(f"There is no field {word!r}. The fields are {', '.join(Field)}.")


def _choose_by_words(chosen: dict[Field, str], header: Sequence[str], cells: Cells) -> None:
    """By what a header says as a whole, before what it says without whose it is."""
    said = {name: list(readings(name)) for name in header}
    for at in range(max(map(len, said.values()), default=0)):
        for field, words in WORDS.items():
            if field in chosen:
                continue
            for word in words:
                named = [name for name in said if said[name][at : at + 1] == [word]]
                column = _first_fitting(field, named, chosen, cells)
                if column is not None:
                    chosen[field] = column
                    break


def _choose_by_last_parts(chosen: dict[Field, str], header: Sequence[str], cells: Cells) -> None:
    for field in BY_LAST_PART:
        if field not in chosen:
            named = [
                name
                for name in header
                if ends_as(field, name) and is_about_birth(name) == (field is Field.BIRTH_DATE)
            ]
            column = _first_fitting(field, named, chosen, cells)
            if column is not None:
                chosen[field] = column


def _choose_names(chosen: dict[Field, str], header: Sequence[str], cells: Cells) -> None:
    """What is only called a name: by what else there is, and by whose names they look like."""
    company = _first_fitting(Field.COMPANY, _called(COMPANY_NAMES, header, cells), chosen, cells)
    if company is not None and not set(_OF_PERSONS) & set(chosen):
        chosen.setdefault(Field.COMPANY, company)
    name = _first_fitting(Field.FULL_NAME, _called(NAMES | CUSTOMERS, header, cells), chosen, cells)
    if Field.GIVEN_NAME in chosen and Field.SURNAME not in chosen:
        if Field.FULL_NAME not in chosen:
            name = name or _like_given_name(chosen, header)
            chosen |= {Field.SURNAME: name} if name else {}
    elif name is None:
        return
    elif Field.SURNAME in chosen and Field.GIVEN_NAME not in chosen:
        chosen[Field.GIVEN_NAME] = name
    elif Field.COMPANY not in chosen and _is_of_company(name, chosen, header, cells):
        chosen[Field.COMPANY] = name
    else:
        chosen.setdefault(Field.FULL_NAME, name)


def _called(words: frozenset[str], header: Sequence[str], cells: Cells) -> list[str]:
    """The columns that are called so; what says only of whom it is may tell kinds of them instead."""
    return [
        name
        for name in header
        if has_word(name, words) and (has_word(name, NAMES) or not is_of_kinds(cells[name]))
    ]


def _like_given_name(chosen: Mapping[Field, str], header: Sequence[str]) -> str | None:
    """The name that begins as the given name does: "Hundevorname", "Hundename"."""
    start = compact(chosen[Field.GIVEN_NAME])
    for name in header:
        word = compact(name)
        owner = word.removesuffix("name")
        if owner and owner != word and start.startswith(owner) and name not in chosen.values():
            return name
    return None


def _is_of_company(
    name: str, chosen: Mapping[Field, str], header: Sequence[str], cells: Cells
) -> bool:
    """Whether the name is a company's: beside a contact's, or because the table is about companies."""
    others = {compact(other) for other in header}
    is_of_persons = bool(set(_OF_PERSONS) & set(chosen))
    is_said = not is_of_persons and (
        Field.WEBSITE in chosen
        or Field.FULL_NAME in chosen
        or bool(others & COMPANY_COLUMNS)
        or names_company(name)
    )
    is_place = not is_of_persons and bool(others & PLACE_COLUMNS)
    return names_companies(cells[name], is_said=is_said, is_place=is_place)


def _choose_by_contents(chosen: dict[Field, str], header: Sequence[str], cells: Cells) -> None:
    """By what a column holds, where no header says it."""
    for field, holds in ((Field.EMAIL, holds_addresses), (Field.PHONE, holds_phones)):
        free = [name for name in _free(header, chosen) if holds(cells[name])]
        if field not in chosen and free:
            chosen[field] = free[0]
    if Field.BIRTH_DATE in chosen or not set(_OF_SOMEBODY) & set(chosen):
        return
    for name in _free(header, chosen):
        is_said = is_about_birth(name) and holds_dates(cells[name])
        if is_said or holds_births(cells[name]):
            chosen[Field.BIRTH_DATE] = name
            return


def _free(header: Sequence[str], chosen: Mapping[Field, str]) -> list[str]:
    return [name for name in header if name not in chosen.values()]


def _first_fitting(
    field: Field, named: Sequence[str], chosen: Mapping[Field, str], cells: Cells
) -> str | None:
    """The first of these columns that no field has and that may hold what the header says."""
    return next((name for name in _free(named, chosen) if fits(field, cells[name])), None)
