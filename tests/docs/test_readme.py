"""The README's demo command, in a fresh clone; the other command is what runs the tests."""

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
from folders import ROOT


def readme_command(name: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- command: {name} -->\n```sh\n(.+?)\n```", text, re.DOTALL)
    assert found, f"the README has no command {name}"
    return found[1]


@pytest.mark.slow
def test_the_demo_command_ends_with_a_url_that_answers_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LODEPLAN_", "VIRTUAL_ENV"))}
    environment |= {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    demo = subprocess.Popen(
        readme_command("demo"),
        shell=True,
        executable="/bin/bash",
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert demo.stdout
        url = demo.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/runs/\w+", url)
        with urllib.request.urlopen(url, timeout=30) as page:
            assert page.status == 200
            assert "United States" in page.read().decode()
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=60)
