"""In which country a time zone lies, for what is read by the country's customs, telephone numbers say."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def region_of(time_zone: str) -> str:
    """The country (ISO 3166, two letters) of a time zone; empty for those of none, like UTC."""
    return _regions().get(time_zone, "")


@cache
def _regions() -> dict[str, str]:
    """By zone, the country that the IANA database names for it."""
    lines = files("tzdata").joinpath("zoneinfo/zone.tab").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {zone: country for country, _, zone, *_ in rows}
