"""Finding out how a file is written, and refusing what is no table before it is used."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError
from apps.crm.importing.formats import FileFormat, OpenFile, detect_format, open_path
from apps.crm.importing.tables import FileRow, Table

LIMIT = 10_000_000


def opener(content: bytes) -> OpenFile:
    return lambda: io.BytesIO(content)


def read(content: bytes) -> tuple[FileFormat, list[str], list[FileRow]]:
    file_format = detect_format(opener(content), max_bytes=LIMIT)
    table = Table(opener(content), file_format, LIMIT)
    return file_format, table.header, list(table.rows())


def fault_of(content: bytes) -> str:
    with pytest.raises(FileRefusedError) as refused:
        read(content)
    assert refused.value.status == 422
    return refused.value.fault


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
        ("cp1252", b"", "cp1252"),
    ],
)
def test_the_encoding_is_found_by_evidence(encoding: str, mark: bytes, found: str) -> None:
    text = "name,city,notes\nMüller,Köln,“fine” – 5 €\nJosé,São Paulo,plain words\n"
    file_format, header, rows = read(mark + text.encode(encoding))
    assert file_format.encoding == found
    assert header == ["name", "city", "notes"]
    assert [row.cells for row in rows] == [
        ["Müller", "Köln", "“fine” – 5 €"],
        ["José", "São Paulo", "plain words"],
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = [["name", "note"], ["Ada", "a, b; c"], ["Bob", 'says "x|y"\tz']]
    text = "\r\n".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
    )
    file_format, header, found = read(text.encode())
    assert file_format.delimiter == delimiter
    assert [header, *[row.cells for row in found]] == rows


def test_excels_line_naming_the_delimiter_is_no_row() -> None:
    file_format, header, rows = read(b"sep=;\nname;note\nAda;1,5\n")
    assert (file_format.delimiter, header) == (";", ["name", "note"])
    assert rows == [FileRow(2, ["Ada", "1,5"])]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    _, _, rows = read(b'name,note\nAda,"two\nlines"\n\n,\nBob,x\n')
    assert [(row.number, row.cells[0]) for row in rows] == [(2, "Ada"), (5, "Bob")]


def test_empty_cells_beyond_the_header_are_dropped() -> None:
    _, _, rows = read(b"name,note\nAda,x,,\n")
    assert rows == [FileRow(2, ["Ada", "x"])]


def test_columns_without_a_name_and_with_the_same_are_told_apart() -> None:
    _, header, _ = read(b"name,,name, two  words \na,b,c,d\n")
    assert header == ["name", "column 2", "name (2)", "two words"]


def test_the_signature_below_a_salesforce_report_is_left_out() -> None:
    content = (
        b'Name,Stage\nDeal,Won\n\n"My report"\n"Copyright (c) 2000-2026 salesforce.com, inc."\n'
    )
    table = Table(opener(content), detect_format(opener(content), max_bytes=LIMIT), LIMIT)
    assert list(table.rows()) == [FileRow(2, ["Deal", "Won"])]
    assert table.skipped_lines == 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"  \n \n", "empty"),
        (b"PK\x03\x04" + b"x" * 100, "binary"),
        (b"%PDF-1.7 ...", "binary"),
        (b"\x1f\x8b\x08\x00", "binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "binary"),
        (b"name,note\nAda,a\x00b\n", "binary"),
        (b"name,note\n" + b"Ada,b\n" * 100_000 + b"Bob,\x00\n", "binary"),
        (bytes(range(256)) * 10, "binary"),
        (b"name,note\nAda,x,y\n", "ragged"),
        (b"name,note\nAda,x\nBob\n", "ragged"),
        (b"name,note\nAda,x\n\nfooter\nBob,y\n", "ragged"),
        (b'name,note\nAda,"never closed\nBob,x\n', "open_quote"),
        (b'name,note\nAda,"open' + b" words\n" * 50_000, "open_quote"),
        (b'name,note\nAda,"x"y\n', "quotes"),
        (b"name,note\n" + b"x" * 2_000_000, "row_too_long"),
        (b"name,note\n" + b'"' + b'\n","' * 2_000_000, "row_too_long"),
        (b",,\na,b,c\n", "no_header"),
        (b",".join(b"c%d" % n for n in range(1001)) + b"\n", "too_many_columns"),
        (b"name^city^note\nAda^London^x\n", "wrong_delimiter"),
        ("имя,город\nАлександр,Москва\nЕкатерина,Казань\n".encode("cp1251"), "wrong_encoding"),
        ("名前,都市\n山田太郎,東京\n".encode("shift_jis"), "wrong_encoding"),
        ("name,note\nAda,x\n".encode("utf-32"), "wrong_encoding"),
        ("name,city\nMüller,Köln\nJosé,Málaga\n".encode() + b"Bj\xf6rn,Oslo\n", "wrong_encoding"),
        (b"name,note\nAda,\x81\x8d\x8f\n", "wrong_encoding"),
        (codecs.BOM_UTF8 + b"name,note\nAda,\xff\n", "wrong_encoding"),
        (codecs.BOM_UTF16_LE + b"n\x00a", "wrong_encoding"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, fault: str) -> None:
    assert fault_of(content) == fault


ZOE_AS_UTF8 = "name,city\nZoë,Oslo\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        ZOE_AS_UTF8 + b"Bj\xf6rn,Oslo\n",
        ZOE_AS_UTF8 + b"Bj\xf6rn,K\xf6ln\n" * 500,
        b"name,city\n" + b"Bj\xf6rn,K\xf6ln\n" * 500 + "Zoë,Oslo\n".encode(),
        "name,city\nZoë,Köln\n".encode() * 500 + b"Bj\xf6rn,Oslo\n",
        b"name,city\nBj\xf6rn,Oslo\n" + "‘Ada’,Oslo\n".encode(),
        b"name,city\nBj\xf6rn,Oslo\n" + "Иван,Oslo\n".encode(),
        b"name,city\nBj\xf6rn,Oslo\n" + "山田,Oslo\n".encode(),
        b"name,city\nBj\xf6rn,Oslo\n" + "😀,Oslo\n".encode(),
        # Far apart: the file is read in pieces.
        ZOE_AS_UTF8 + b"Ada,Oslo\n" * 300_000 + b"Bj\xf6rn,Oslo\n",
        "name,city\nBjörn,ZoÃ« in ruins\n".encode("cp1252"),
    ],
)
def test_a_mixture_of_encodings_stops_the_file_whatever_the_numbers(content: bytes) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read(content)
    assert refused.value.fault == "wrong_encoding"
    assert refused.value.message == (
        "Part of the file is UTF-8, but some bytes are not: it was damaged or put together from two files. "
        "Export it again as “CSV UTF-8”."
    )


def test_another_script_is_no_mixture_where_two_bytes_look_like_utf8() -> None:
    content = "姓名,城市\n王芳,北京\n李娜,上海\n模型,广州\n".encode("gb18030")
    assert "模".encode("gb18030").decode() == "ģ"
    with pytest.raises(FileRefusedError, match="neither UTF-8 nor UTF-16 nor Windows-1252"):
        read(content)


@pytest.mark.parametrize(
    "text",
    [
        "„Viel Spaß“",
        "mit Gruß…",
        "« déjà »",
        "« le café\u00a0»",
        "»voilà«… peut-être",
        "NESTLÉ®",
        "the CAFÉ’s door",
    ],
)
def test_western_text_that_is_utf8_by_accident_is_read(text: str) -> None:
    """As the only bytes above 127, and among others."""
    for other in ("Ada", "Björn"):
        content = f"name,note\n{other},{text}\nMüller,plain\n".encode("cp1252")
        file_format, _, rows = read(content)
        assert file_format.encoding == "cp1252"
        assert [row.cells for row in rows] == [[other, text], ["Müller", "plain"]]


def test_a_ragged_row_is_named_with_what_it_has() -> None:
    with pytest.raises(FileRefusedError) as refused:
        read(b"name,note\nAda,x\nBob,y,z\n")
    assert refused.value.message == (
        "Row 3 has 3 cells, but the header has 2. A delimiter inside a cell must stand in quotes; export the "
        "file again, or mend that row."
    )


class EndlessFile(io.RawIOBase):
    """Two gigabytes that nobody should read: it counts how much was asked for."""

    LINE = b"Ada,x\n"

    def __init__(self) -> None:
        self.given_bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "somebody reads the whole file"
        start = self.given_bytes % len(self.LINE)
        self.given_bytes += size
        return (self.LINE * (size // len(self.LINE) + 2))[start : start + size]

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset


def test_a_file_of_two_gigabytes_is_refused_by_its_size_before_it_is_opened() -> None:
    def open_never() -> BinaryIO:
        raise AssertionError("opened")

    with pytest.raises(FileTooLargeError) as refused:
        detect_format(open_never, max_bytes=LIMIT, size_bytes=2 * 1024**3)
    assert refused.value.status == 413
    assert (
        refused.value.message
        == "The file is larger than 10 MB, the most that one import takes. Split it."
    )


def test_a_file_that_hides_its_size_is_refused_while_it_streams() -> None:
    file = EndlessFile()
    with pytest.raises(FileTooLargeError):
        detect_format(lambda: cast(BinaryIO, file), max_bytes=LIMIT)
    assert file.given_bytes < LIMIT + 2 * 1024 * 1024


def test_a_file_that_grew_after_it_was_looked_at_is_refused_while_it_streams() -> None:
    table = Table(opener(b"name,note\n"), FileFormat("utf-8", ",", 10), LIMIT)
    table._open_file = lambda: cast(BinaryIO, EndlessFile())
    with pytest.raises(FileTooLargeError):
        for _ in table.rows():
            pass


def test_reading_holds_one_row_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w") as target:
        target.write("name,note\n")
        for number in range(100_000):
            target.write(f"Person {number},{'words ' * 10}\n")
    open_file = open_path(path)
    file_format = detect_format(open_file, max_bytes=LIMIT)
    tracemalloc.start()
    try:
        count = sum(1 for _ in Table(open_file, file_format, LIMIT).rows())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak_bytes < path.stat().st_size / 2


def test_a_directory_or_a_device_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/null"), tmp_path / "none.csv"):
        with pytest.raises(FileRefusedError) as refused:
            open_path(path)
        assert refused.value.fault == "missing"


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_is_written_is_read(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """Quoted cells of any content come back as they were, whatever the delimiter."""
    lines = [["first", "second", "third"], *[list(row) for row in rows]]
    text = "\r\n".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines
    )
    table = Table(opener(text.encode()), FileFormat("utf-8", delimiter, 0), LIMIT)
    assert [row.cells for row in table.rows()] == [line for line in lines[1:] if any(line)]


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        _, header, rows = read(content)
    except FileRefusedError:
        return
    assert all(len(row.cells) == len(header) for row in rows)
