"""`lodeplan solve --certificate` and `lodeplan verify`."""

import gzip
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from command_line import Run
from folders import ROOT


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    plan = tmp_path / "plan"
    assert run("solve", "golden-toy", "--out", plan, "--certificate").code == 0
    return plan


def test_a_plan_is_verified_by_its_folder_its_document_and_its_certificate(run: Run, folder: Path) -> None:
    for path in (folder, folder / "plan.json", folder / "certificate.gz"):
        shown = run("verify", path)
        assert shown.code == 0
        assert "1. The plan keeps all 44 rows" in shown.out
        assert "2. It costs 5.172157 million USD." in shown.out
        assert "3. No plan costs less than 5.172157 million USD" in shown.out
        assert "Proven by HiGHS, not by this certificate" in shown.out
        assert "The independent check does that" in shown.out
    found = json.loads(run("verify", folder, "--json").out)
    assert (found["verified"], found["decisions"], found["plan"]) == (True, 2, "golden-toy")
    assert sum(found["bound_by_group_kusd"].values()) == pytest.approx(found["bound_kusd"])


def test_a_certificate_without_its_plan_says_so(run: Run, folder: Path, tmp_path: Path) -> None:
    alone = shutil.copy(folder / "certificate.gz", tmp_path / "alone.gz")
    shown = run("verify", alone)
    assert shown.code == 0
    assert "the plan is not beside the certificate" in shown.out


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("scenario_hash", "0" * 64, "belongs to another scenario"),
        ("objective_kusd", 5172.15, "says that it costs 5172.15 thousand USD"),
        ("objective_kusd", None, "says that it costs None"),
    ],
)
def test_a_certificate_of_another_plan_is_refused(
    run: Run, folder: Path, field: str, value: object, reason: str
) -> None:
    document = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    document["summary"][field] = value
    (folder / "plan.json").write_text(json.dumps(document), encoding="utf-8")
    shown = run("verify", folder)
    assert shown.code == 1
    assert "REFUSED" in shown.out
    assert reason in shown.out
    assert json.loads(run("verify", folder, "--json").out)["verified"] is False


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"text", id="text"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"\x1f\x8bcut off", id="cut off"),
        pytest.param(gzip.compress(b"\xff\xfe", mtime=0), id="no text, compressed"),
    ],
)
def test_a_file_that_is_no_certificate_is_refused_in_a_sentence(run: Run, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    shown = run("verify", path)
    assert shown.code == 1
    assert "REFUSED" in shown.out
    assert shown.err == ""


def test_a_certificate_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    shown = run("verify", tmp_path)
    assert shown.code == 1
    assert "certificate.gz" in shown.err


def test_a_certificate_needs_a_folder(run: Run) -> None:
    shown = run("solve", "golden-toy", "--certificate")
    assert shown.code == 2
    assert "Add `--out DIR`." in shown.err


def test_a_scenario_without_a_plan_gets_no_certificate(run: Run, tmp_path: Path) -> None:
    floor = "limits.floor={kind: service_floor, tiers: [military], served_share: 1}"
    no_supply = ["--set", "facilities.*.capacity_t_per_y=1", "--set", "projects.*.capacity_t_per_y=1"]
    shown = run("solve", "golden-toy", "--set", floor, *no_supply, "--out", tmp_path, "--certificate")
    assert shown.code == 3
    assert not (tmp_path / "certificate.gz").exists()


def test_the_example_of_the_page_does_what_it_says(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/reference/certificate.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```sh\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    ran = [run(*shlex.split(line.removeprefix("lodeplan "))) for line in example.splitlines()]
    assert [each.code for each in ran] == [0, 0]
    assert "Verified: plan/certificate.gz" in ran[-1].out
