from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neardup_cli.catalog import decisions
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Suite
from neardup_cli.errors import BadInput
from neardup_cli.evaluation.ground_truth import load_truth
from neardup_cli.evaluation.settings_file import write_settings
from neardup_cli.evaluation.suites import suite_attacks
from neardup_cli.evaluation.tune import (
    TuneOptions,
    pairs_of_attacks,
    pairs_of_decisions,
    pairs_of_table,
    pairs_of_truth,
)
from neardup_cli.evaluation.tuning import Dial, quality_at, tune_dials
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.progress import Silent
from tests.evaluation.conftest import PHOTOS

OPTIONS = TuneOptions(presets=("normal", "strict"), workers=2)


def test_attacked_photographs_give_labelled_pairs(originals: Path, copies: Path) -> None:
    """Half of the photographs tunes, the other half confirms: bar 3 on a small scale."""
    pairs = pairs_of_truth(
        load_truth(None, bytes(copies), bytes(originals)), bytes(originals), OPTIONS, Silent()
    )
    assert pairs.positives == 6 * PHOTOS
    assert set(np.unique(pairs.cluster)) | set(pairs.missed) == set(range(PHOTOS))
    assert not pairs.true.all()
    half, other = pairs.of_clusters(np.arange(0, PHOTOS, 2)), pairs.of_clusters(np.arange(1, PHOTOS, 2))
    assert half.positives == other.positives == 3 * PHOTOS
    for one in tune_dials(half, 0.99):
        assert one.setting is not None
        assert quality_at(other, one.dial, one.preset, one.setting).precision in one.precision


def test_a_sample_is_attacked_in_a_temporary_folder(originals: Path) -> None:
    before = sorted(originals.rglob("*"))
    attacks = suite_attacks(Suite.MILD, ["jpeg-75", "exact"])
    pairs = pairs_of_attacks(bytes(originals), attacks, OPTIONS, Silent(), sample=3, seed=1, longest_side=320)
    assert pairs.positives == 6
    assert sorted(originals.rglob("*")) == before
    funnel = tune_dials(pairs, 0.9)[-1]
    assert funnel.dial is Dial.FUNNEL
    assert funnel.quality.recall == 1


def test_a_table_of_pairs_is_measured(originals: Path, copies: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    rows = ["a,b,copy"]
    for number in range(4):
        rows.append(f"{originals}/photo-{number}.jpg,{copies}/grey/photo-{number}.jpg.jpg,yes")
        rows.append(f"{originals}/photo-{number}.jpg,{copies}/grey/photo-{number + 1}.jpg.jpg,0")
    table.write_text("\n".join(rows) + "\n")
    pairs = pairs_of_table(table, OPTIONS, Silent())
    assert pairs.true.tolist() == [True, False] * 4
    assert pairs.positives == 4
    assert pairs.similarity[pairs.true].min() > pairs.similarity[~pairs.true].max()
    assert np.array_equal(pairs.matched["normal"], pairs.true)
    # The pairs hang together in a chain: they are about one photograph.
    assert set(pairs.cluster) == {0}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("a,b\nx,y\n", "needs the columns"),
        ("a,b,copy\nx,y,maybe\n", "line 2"),
        ("a,b,copy\nx,,1\n", "line 2"),
        ("a,b,copy\nx.jpg,./x.jpg,1\n", "one file twice"),
    ],
)
def test_a_table_that_says_nothing_is_refused(tmp_path: Path, rows: str, reason: str) -> None:
    (tmp_path / "pairs.csv").write_text(rows)
    with pytest.raises(BadInput, match=reason):
        pairs_of_table(tmp_path / "pairs.csv", OPTIONS, Silent())


def test_a_table_of_what_is_no_image_is_refused(originals: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "pairs.csv").write_text(f"a,b,copy\nbroken.jpg,{originals}/photo-0.jpg,1\n")
    with pytest.raises(BadInput, match=r"broken\.jpg"):
        pairs_of_table(tmp_path / "pairs.csv", OPTIONS, Silent())


def test_what_a_person_called_different_is_learnt_from(
    originals: Path, copies: Path, catalog: Catalog
) -> None:
    scan(catalog, [bytes(originals), bytes(copies / "grey")], ScanOptions(workers=2))
    with pytest.raises(BadInput, match="neardup ignore"):
        pairs_of_decisions(catalog, OPTIONS, Silent())
    from neardup_cli.catalog import queries

    with catalog.write() as connection:
        ids = queries.fingerprints(connection).ids.tolist()
        files = {file.path: file.digest for file in queries.files_of_contents(connection, ids)}
        strangers = files[bytes(originals / "photo-0.jpg")], files[bytes(originals / "photo-1.jpg")]
        denied = (
            files[bytes(originals / "photo-2.jpg")],
            files[bytes(copies / "grey" / "photo-2.jpg.jpg")],
        )
        decisions.store_not_duplicates(connection, [strangers, denied])
    pairs = pairs_of_decisions(catalog, OPTIONS, Silent())
    assert int(pairs.true.sum()) == PHOTOS - 1
    assert int((~pairs.true).sum()) == 2
    assert pairs.hamming[pairs.true].max() <= 10


def test_settings_are_written_and_everything_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "neardup.toml"
    file.write_text('# my own settings\nmodel = "sscd"   # the large one\nthreshold = 0.5\n\nworkers = 1\n')
    write_settings(file, {"threshold": 0.25, "preset": "strict", "hamming": 6})
    assert file.read_text() == (
        '# my own settings\nmodel = "sscd"   # the large one\nthreshold = 0.25\n\nworkers = 1\n'
        'preset = "strict"\nhamming = 6\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["neardup.toml"]


def test_settings_make_a_file_where_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "new" / "neardup.toml"
    write_settings(file, {"hamming": 6})
    assert file.read_text() == "hamming = 6\n"


def test_a_file_that_is_no_toml_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "neardup.toml"
    file.write_text("this is = = not toml")
    with pytest.raises(BadInput, match="cannot be read"):
        write_settings(file, {"hamming": 6})
    assert file.read_text() == "this is = = not toml"


def test_settings_that_are_none_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="hamming"):
        write_settings(tmp_path / "neardup.toml", {"hamming": 600})
    assert list(tmp_path.iterdir()) == []
