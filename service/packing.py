"""Texts as they are stored and sent: compressed, and with a tag."""

from __future__ import annotations

import gzip
import hashlib

_LEVEL = 6


def compress(text: str) -> bytes:
    """Gzip-compressed UTF-8; the same text always gives the same bytes."""
    return gzip.compress(text.encode(), compresslevel=_LEVEL, mtime=0)


def tag_of(text: str) -> str:
    """Compute a strong entity tag of this text."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
