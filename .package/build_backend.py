"""Build back end: setuptools, whose wheels become reproducible and get a bill of materials (PEP 770).

Two builds of the same files give the same bytes, whenever and wherever they are made, with one version of setuptools
and of zlib: files are sorted and have one date, that of SOURCE_DATE_EPOCH or else the earliest of a ZIP file.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

from bill_of_materials import bill_of_materials

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
LOCK = Path("requirements.lock")
NAME = "lodeplan.cdx.json"
_EARLIEST_S = 315532800
"""1980-01-01, before which a ZIP file knows no date; seconds since 1970."""


def build_wheel(
    wheel_directory: str, config_settings: dict[str, str] | None = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel in this folder; returns its name. The current folder is that of the project, as PEP 517 says."""
    name: str = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    finish(Path(wheel_directory) / name, LOCK.read_text(encoding="utf-8"))
    return name


def finish(wheel: Path, lock: str) -> None:
    """Add the bill of materials of these locked packages to a wheel, and write it again in one order and with one
    date."""
    with ZipFile(wheel) as archive:
        files = {item.filename: archive.read(item) for item in archive.infolist() if not item.is_dir()}
    (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    folder = record.rpartition("/")[0]
    del files[record]
    files[f"{folder}/sboms/{NAME}"] = bill_of_materials(lock, files, folder).encode()
    # What describes a wheel stands at its end, so that a reader finds it beside the list of contents.
    names = sorted(files, key=lambda name: (name.startswith(folder), name))
    files[record] = "".join([*(_recorded(name, files[name]) for name in names), f"{record},,\n"]).encode()
    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), _EARLIEST_S))
    partial = wheel.with_suffix(".partial")
    with ZipFile(partial, "w") as archive:
        for name in (*names, record):
            item = ZipInfo(name, moment[:6])
            item.create_system, item.external_attr, item.compress_type = 3, 0o100644 << 16, ZIP_DEFLATED
            archive.writestr(item, files[name])
    partial.replace(wheel)


def _recorded(name: str, content: bytes) -> str:
    """The line of a file in RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    quoted = f'"{name}"' if "," in name else name
    return f"{quoted},sha256={digest},{len(content)}\n"
