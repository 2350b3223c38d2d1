"""Bodies as documents: counted before they are parsed, and free of text that cannot be stored."""

from __future__ import annotations

from typing import Literal

from lodeplan.scenarios.reading import Document, NoText, parse_json, parse_yaml, text_of
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service.checking.unstorable_text import unstorable_text
from lodeplan.service.http.errors import ApiError, broken_body, invalid_input

Language = Literal["json", "yaml"]

MAX_VALUES: dict[Language, int] = {"json": 1_000_000, "yaml": 100_000}
"""Most values in a body, counted by the separators between them. Each takes some hundred bytes once read, in YAML also
0.1 ms."""
_PARSERS = {"json": parse_json, "yaml": parse_yaml}


def read_document(body: bytes, language: Language) -> Document:
    """Parse a body; raises `ApiError`: 400 if it is not in its language, 413 if it has too many values, 422 if it holds
    text that cannot be stored."""
    _check_count(body, language)
    try:
        document = _PARSERS[language](_text(body))
    except InvalidInput as error:
        raise broken_body(error) from None
    # JSON that escapes nothing holds no such text, and looking through a large body takes as long as reading it.
    may_hold = language == "yaml" or b"\\u" in body
    problems = document.problems + (unstorable_text(document.data) if may_hold else [])
    if problems:
        raise invalid_input(InvalidInput(problems))
    return document


def _check_count(body: bytes, language: Language) -> None:
    """Raise `ApiError` (413) for so many values, including those of lists in text (`CHN; RUS`), that they need far more
    memory and time than the size of the body suggests."""
    signs = b",[{;" if language == "json" else b",[{;:\n"
    values = sum(map(body.count, (bytes([sign]) for sign in signs)))
    if values > MAX_VALUES[language]:
        detail = f"The body has about {values:,} values; {language.upper()} may have at most {MAX_VALUES[language]:,}."
        raise ApiError(413, "body-too-large", detail)


def _text(body: bytes) -> str:
    try:
        return text_of(body, may_be_wide=False)
    except NoText as error:
        problem = InputProblem(
            code=error.code, path="scenario", message=str(error).replace("this is", "the body is", 1), line=error.line,
            remedy=error.remedy,
        )  # fmt: skip
        raise InvalidInput([problem]) from None
