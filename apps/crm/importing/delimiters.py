"""Which sign parts the columns of a file."""

from __future__ import annotations

import csv
import io

from apps.crm.importing.encodings import SAMPLE_BYTES
from apps.crm.importing.exceptions import FileRefusedError

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_ROWS = 100


def detect_delimiter(text: str) -> str:
    """Choose the delimiter under which most of the first rows have as many cells as the header.

    Raises:
        FileRefusedError: the columns seem to be parted by another sign.
    """
    sample = text if len(text) < SAMPLE_BYTES // 4 else text[: text.rfind("\n") + 1] or text
    first_line = sample.lstrip().splitlines()[0]
    if first_line.startswith("sep=") and len(first_line) == 5:
        return first_line[4]
    best: tuple[int, int] = (0, 0)
    chosen = ""
    for delimiter in DELIMITERS:
        widths = _sample_widths(sample, delimiter)
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths), widths[0])
            if score > best:
                best, chosen = score, delimiter
    if chosen:
        return chosen
    other = next((sign for sign in "^~#:\x1f" if first_line.count(sign) > 1), None)
    if other is not None:
        raise FileRefusedError(
            "wrong_delimiter",
            f"The columns seem to be parted by “{other}”. Export the file with commas, semicolons, tabs or "
            "vertical bars.",
        )
    # A list with a single column needs no delimiter.
    return ","


def _sample_widths(sample: str, delimiter: str) -> list[int]:
    widths = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if any(cells):
                widths.append(len(cells))
            if len(widths) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return widths
