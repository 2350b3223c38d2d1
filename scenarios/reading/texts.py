"""Bytes as text, and in words what they are if they are none."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE

_KINDS = {
    b"PK\x03\x04": "a workbook or a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"%PDF": "a PDF",
    b"PAR1": "a Parquet file",
    b"SQLite format 3\x00": "an SQLite database",
}
_LOOKED_AT = 4_096


class NoText(ValueError):
    """Bytes that are no text, with the line up to which they are, if they are for a while."""

    def __init__(self, code: str, what: str, remedy: str, line: int | None = None) -> None:
        super().__init__(what)
        self.code = code
        self.remedy = remedy
        self.line = line


def text_of(raw: bytes, *, may_be_wide: bool = True) -> str:
    """The text in UTF-8, or in UTF-16 where that may be and a mark at the beginning says so; raises `NoText`."""
    kind = next((kind for sign, kind in _KINDS.items() if raw.startswith(sign)), None)
    is_wide = may_be_wide and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    if kind is None and not is_wide and b"\x00" in raw[:_LOOKED_AT]:
        kind = "a binary file"
    if kind is not None:
        remedy = "A scenario is YAML, JSON or a folder of CSV tables: save each sheet of a workbook as `CSV UTF-8`."
        raise NoText("not_text", f"this is {kind}, not text.", remedy)
    try:
        return raw.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if is_wide else raw[: error.start].count(b"\n") + 1
        raise NoText(
            "not_utf8", "this is not UTF-8 text.", "Save it as UTF-8, in Excel as `CSV UTF-8`.", line
        ) from None
