"""Reads the parts of a form that carries a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser


class NotAFormError(Exception):
    """The body is no form with parts."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields that are texts, and the files."""

    fields: Mapping[str, str]
    files: Mapping[str, Upload]


def parse_form(content_type: str, body: bytes) -> Form:
    """Read a form.

    Raises:
        NotAFormError: it is none.
    """
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise NotAFormError
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    # The first piece stands before the form, the last one after its end.
    for piece in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        top, _, content = piece.partition(b"\r\n\r\n")
        part = HeaderParser().parsestr(top.decode(errors="replace").strip())
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise NotAFormError
        file_name = part.get_filename()
        if file_name is None:
            fields[name] = content.decode(errors="replace")
        else:
            files[name] = Upload(file_name, content)
    return Form(fields, files)
