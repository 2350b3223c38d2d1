"""From files, folders, texts and Python data to one document of raw data, and what its places mean to the schema."""

from lodeplan.scenarios.reading.documents import Document, parse_json, parse_yaml
from lodeplan.scenarios.reading.explain import in_words, note_problems
from lodeplan.scenarios.reading.texts import NoText, text_of

__all__ = ["Document", "NoText", "in_words", "note_problems", "parse_json", "parse_yaml", "text_of"]
