"""What pages point to is there: files and headings of links, and the paths of files that are named."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from folders import ROOT

PAGES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split()
BLOCK = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(
    r"\b(?:tests|tools|benchmarks|examples|optimizer|schemas|scenarios|service|docs)/[\w./-]+\.(?:py|md)\b"
)


@cache
def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    titles = (re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def missing(page: str) -> list[str]:
    """What the page points to and is not there."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    found = []
    for link in LINK.findall(BLOCK.sub("", text)):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    # Pages beside code name files from their own folder.
    return found + [name for name in NAMED.findall(text) if not any((at / name).exists() for at in (ROOT, path.parent))]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_points_to_is_there(page: str) -> None:
    assert missing(page) == []


def test_a_file_and_a_heading_that_are_not_there_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](nothing.md) `tests/test_nothing.py` `docs/index.md`")
    assert missing(str(page)) == ["#three", "nothing.md", "tests/test_nothing.py"]
