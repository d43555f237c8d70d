from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.compare import PEERS, Compared, CompareOptions, State, compare
from neardup_cli.evaluation.compare_report import compare_csv, compare_document, compare_lines
from neardup_cli.evaluation.ground_truth import GroundTruth, load_truth
from tests.evaluation.conftest import PHOTOS, make_edits, make_originals

FEW = 3


@pytest.fixture(scope="module")
def truth(copies: Path, originals: Path) -> GroundTruth:
    return load_truth(None, bytes(copies), bytes(originals))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compared]:
    """imagehash is a dependency of the tests, and so always there; pdqhash has an environment without it.

    Four of our own runs are eight processes: a few photographs are enough for them.
    """
    folder = tmp_path_factory.mktemp("few")
    originals, copies = folder / "originals", folder / "copies"
    make_originals(originals, FEW)
    make_edits(originals, copies)
    truth = load_truth(None, bytes(copies), bytes(originals))
    ours = (
        "neardup",
        "neardup --thorough",
        "neardup --no-verify",
        "neardup --hash-only",
    )  # `sscd` takes long
    options = CompareOptions(only=("imagehash", "pdqhash"), ours=ours)
    return {one.name: one for one in compare(truth, [bytes(originals)], options)}


def test_every_program_gets_the_same_and_is_measured(compared: dict[str, Compared]) -> None:
    for name in (
        "neardup",
        "neardup --thorough",
        "neardup --no-verify",
        "neardup --hash-only",
        "imagehash dHash",
        "imagehash pHash",
    ):
        one = compared[name]
        assert one.state is State.MEASURED, one.reason
        assert one.positives == 6 * FEW
        assert one.version
        assert one.seconds > 0
        assert one.peak_mb > 10
    assert compared["neardup"].recall > compared["imagehash dHash"].recall
    assert compared["neardup"].precision == 1


def test_a_peer_that_is_not_installed_is_named_so(compared: dict[str, Compared]) -> None:
    one = compared["PDQ"]
    assert one.state is State.NOT_INSTALLED
    assert "--peer-python pdqhash=" in one.reason


def test_the_reports_name_every_program(compared: dict[str, Compared]) -> None:
    programs = list(compared.values())
    document = compare_document(programs, {})
    assert document["schema"] == "neardup.eval-compare/1"
    assert [one["name"] for one in document["programs"]] == list(compared)
    assert len(list(compare_csv(programs))) == 1 + len(programs)
    lines = list(compare_lines(programs))
    assert any(line.startswith("PDQ\tnot installed") for line in lines)


def interpreter(path: Path, code: str) -> Path:
    """A peer's environment whose interpreter does what a test wants, whatever script it is given."""
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def run_peer(truth: GroundTruth, originals: Path, python: Path, timeout: float = 60) -> Compared:
    options = CompareOptions({"pdqhash": python}, ("pdqhash",), ours=(), timeout=timeout)
    (one,) = compare(truth, [bytes(originals)], options)
    return one


def test_pairs_are_counted_by_what_can_be_seen(truth: GroundTruth, originals: Path, tmp_path: Path) -> None:
    # The first eight files are the originals: all pairs of two of them are wrong.
    code = """
files = sorted(os.listdir(sys.argv[2]))
pairs = [(a, b) for place, a in enumerate(files[:8]) for b in files[:place]] + [("nowhere.jpg", files[0])]
print(json.dumps({"version": "9", "pairs": pairs}))"""
    one = run_peer(truth, originals, interpreter(tmp_path / "python", code))
    assert (one.state, one.version) == (State.MEASURED, "9")
    assert (one.pairs, one.right, one.found) == (28, 0, 0)
    assert one.precision == one.recall == 0


def test_all_pairs_find_everything(truth: GroundTruth, originals: Path, tmp_path: Path) -> None:
    code = """
files = sorted(os.listdir(sys.argv[2]))
print(json.dumps({"version": "9", "pairs": [(a, b) for a in files for b in files if a < b]}))"""
    one = run_peer(truth, originals, interpreter(tmp_path / "python", code))
    assert one.recall == 1
    count = PHOTOS * 7
    assert one.pairs == count * (count - 1) // 2
    # Pairs of one photograph's seven pictures are right, and those that share an overlay's ground.
    assert one.right >= PHOTOS * 7 * 6 // 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit('it fell over')", "it fell over"),
        ("print('no json')", "exit code 0"),
        ("print(json.dumps({'version': '1'}))", "exit code 0"),
        ("time.sleep(60)", "exit code -9"),
    ],
)
def test_a_peer_that_fails_does_not_end_the_comparison(
    truth: GroundTruth, originals: Path, tmp_path: Path, code: str, reason: str
) -> None:
    timeout = 0.5 if "sleep" in code else 60
    one = run_peer(truth, originals, interpreter(tmp_path / "python", code), timeout)
    assert one.state is State.FAILED
    assert reason in one.reason


def test_names_and_interpreters_are_checked_first(truth: GroundTruth, originals: Path) -> None:
    with pytest.raises(BadInput, match=r"no peer is called nonsense; there are .*imagehash"):
        compare(truth, [bytes(originals)], CompareOptions(only=("nonsense",)))
    with pytest.raises(BadInput, match="is no Python interpreter"):
        compare(truth, [bytes(originals)], CompareOptions({"pdqhash": Path("/nowhere/python")}))


def test_the_scripts_of_the_peers_are_there() -> None:
    from neardup_cli.evaluation import peers

    folder = Path(peers.__file__).parent
    for peer in PEERS:
        script = folder / peer.script
        assert script.is_file()
        assert "neardup" not in script.read_text(encoding="utf-8"), "it runs where we are not installed"
    assert {peer.script for peer in PEERS} == {
        name for name in os.listdir(folder) if name.endswith("_peer.py")
    }
    json.dumps([peer.name for peer in PEERS])
