from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Grouping, Kind
from neardup_cli.errors import ModelMismatch
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.matching.funnel import sift_pairs
from neardup_cli.pipeline import dups
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates, load_collection
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DupsReport, FileMatch, PairMatch, Stage
from tests.rules.matches import grouped

type Draw = Callable[[Path, int], Path]

MODEL = "sscd_distilled"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Catalog]:
    """The photographs, with vectors; to be read only."""
    with Catalog.open(tmp_path_factory.mktemp("embedded") / "catalog.db", create=True) as opened:
        scan(opened, [os.fsencode(photos)], ScanOptions(model=MODEL))
        yield opened


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Catalog]:
    """The photographs, hashes alone; to be read only."""
    with Catalog.open(tmp_path_factory.mktemp("hashed") / "catalog.db", create=True) as opened:
        scan(opened, [os.fsencode(photos)], ScanOptions(hash_only=True))
        yield opened


def hash_folder(catalog: Catalog, *folders: Path) -> None:
    scan(catalog, [os.fsencode(folder) for folder in folders], ScanOptions(hash_only=True))


def names(report: DupsReport) -> list[list[str]]:
    """The base names of the groups' members, as reported."""
    return [[os.path.basename(os.fsdecode(file.path)) for file in group.members] for group in report.groups]


def stages(report: DupsReport) -> dict[frozenset[str], str]:
    """The stage that decided for each pair of base names."""
    return {
        frozenset(os.path.basename(os.fsdecode(path)) for path in (match.a, match.b)): match.stage.value
        for group in report.groups
        for match in group.matches
    }


def match_of(report: DupsReport, name: bytes) -> FileMatch:
    """The one match, not of equal bytes, that has a file of such a name."""
    [found] = [
        match
        for group in report.groups
        for match in group.matches
        if name in match.a + match.b and match.stage is not Stage.EXACT
    ]
    return found


# --- end to end, on photographs -------------------------------------------------------------------------

ASTRONAUTS = ["astronaut.jpg", "astronaut-again.jpg", "astronaut-small.jpg"]


@pytest.mark.parametrize("mode", ["embedded", "hashed"])
def test_copies_of_photographs_are_found_and_nothing_else(mode: str, request: pytest.FixtureRequest) -> None:
    catalog: Catalog = request.getfixturevalue(mode)
    report = find_duplicates(catalog, DupsOptions())
    assert sorted(names(report), key=len) == [["coffee.png", "coffee-grey.jpg"], ASTRONAUTS]
    found = stages(report)
    assert found.pop(frozenset(["astronaut.jpg", "astronaut-again.jpg"])) == "exact"
    # With vectors the pixels have the last word below certainty; hashes alone decide within 4 bits.
    decided = "geometry" if mode == "embedded" else "sieve"
    assert set(found.values()) == {decided}
    assert frozenset(["coffee.png", "coffee-grey.jpg"]) in found
    assert len(found) == 2
    assert (report.summary["contents"], report.summary["files"]) == (6, 5)
    # Of the same bytes nothing is lost. The smaller version was looked at, for it may be the original, and
    # nothing is lost with it either. The grey one is no copy to be removed unseen.
    assert (report.summary["redundant_files"], report.summary["doubtful_files"]) == (2, 1)
    assert report.summary["matches"] == {"exact": 1, "sieve": 0, "verifier": 0, "geometry": 0, decided: 2}


def test_sieve_off_leaves_the_verifier(embedded: Catalog) -> None:
    report = find_duplicates(embedded, DupsOptions(hamming=0, threshold=0.6, verify=False))
    small = match_of(report, b"small")
    assert small.stage is (Stage.VERIFIER if small.hamming else Stage.SIEVE)
    assert small.similarity is not None
    assert 0.6 <= small.similarity <= 1


def test_similarity_is_the_dot_product_of_the_stored_vectors(embedded: Catalog, photos: Path) -> None:
    digests = [
        content_digest((photos / name).read_bytes()) for name in ("astronaut.jpg", "astronaut-small.jpg")
    ]
    with closing(sqlite3.connect(embedded.path)) as connection:
        query = "SELECT vector FROM embedding e JOIN content c ON c.id = e.content_id WHERE digest = ?"
        a, b = (
            np.frombuffer(connection.execute(query, (digest,)).fetchone()[0], "<f2").astype(np.float64)
            for digest in digests
        )
    report = find_duplicates(embedded, DupsOptions())
    assert match_of(report, b"small").similarity == pytest.approx(float(a @ b), abs=1e-5)


def test_threshold_above_everything_leaves_exact_copies(embedded: Catalog) -> None:
    assert set(stages(find_duplicates(embedded, DupsOptions(threshold=1.0))).values()) == {"exact"}


def test_parameters_say_what_was_used(embedded: Catalog, hashed: Catalog) -> None:
    report = find_duplicates(embedded, DupsOptions(limit=1))
    assert report.parameters == {
        "model": MODEL,
        "threshold": 0.2,
        "certainty": 0.99,
        "preset": "normal",
        "min_confidence": 0.7,
        "hamming": 10,
        "grouping": "coherent",
        "similar_shots": False,
        "under": [],
        "limit": 1,
    }
    report = find_duplicates(embedded, DupsOptions(verify=False, hamming=7))
    assert [report.parameters[name] for name in ("threshold", "certainty", "hamming")] == [0.75, None, 7]
    report = find_duplicates(hashed, DupsOptions())
    assert [report.parameters[name] for name in ("model", "threshold", "hamming")] == [None, None, 4]


def test_same_answer_every_time(embedded: Catalog) -> None:
    first, second = (find_duplicates(embedded, DupsOptions()) for _ in range(2))
    assert first.groups == second.groups


# --- criteria -------------------------------------------------------------------------------------------


def test_threshold_needs_embeddings(hashed: Catalog) -> None:
    with pytest.raises(ModelMismatch, match="without --hash-only"):
        find_duplicates(hashed, DupsOptions(threshold=0.2))


def test_model_without_vectors(hashed: Catalog, embedded: Catalog) -> None:
    with pytest.raises(ModelMismatch, match="it has hashes alone"):
        find_duplicates(hashed, DupsOptions(model=MODEL))
    with pytest.raises(ModelMismatch, match=f"it has {MODEL}"):
        find_duplicates(embedded, DupsOptions(model="sscd"))
    assert find_duplicates(embedded, DupsOptions(model=MODEL)).groups


def test_zero_is_a_value_of_its_own(embedded: Catalog, hashed: Catalog) -> None:
    report = find_duplicates(embedded, DupsOptions(threshold=0.0, hamming=0, verify=False))
    assert [report.parameters[name] for name in ("threshold", "hamming")] == [0.0, 0]
    assert find_duplicates(hashed, DupsOptions(hamming=0)).parameters["hamming"] == 0


def test_pictures_without_vectors_are_held_to_the_strict_radius(
    catalog: Catalog, tmp_path: Path, draw: Draw
) -> None:
    """Scanned without vectors into a catalog that has some: nothing confirms what the sieve proposes."""
    draw(tmp_path / "a" / "1.png", 1)
    scan(catalog, [os.fsencode(tmp_path / "a")], ScanOptions(model=MODEL, input_size=64))
    for seed in (2, 3, 4):
        draw(tmp_path / "b" / f"{seed}.png", seed)
    hash_folder(catalog, tmp_path / "b")
    with closing(sqlite3.connect(catalog.path)) as connection:
        update = "UPDATE content SET dhash = ? WHERE id = (SELECT content_id FROM file WHERE path = ?)"
        for bits, seed in ((0, 2), (0b1111, 3), (0b1_1111 << 8, 4)):
            connection.execute(update, (bits, os.fsencode(tmp_path / "b" / f"{seed}.png")))
        connection.commit()
    [members] = names(find_duplicates(catalog, DupsOptions()))
    assert sorted(members) == ["2.png", "3.png"]
    # Whoever names a radius gets it.
    [members] = names(find_duplicates(catalog, DupsOptions(hamming=9)))
    assert sorted(members) == ["2.png", "3.png", "4.png"]


# --- groups of files ------------------------------------------------------------------------------------


def test_exact_copies(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    kept = draw(tmp_path / "in" / "a.png", 1)
    for name in ("long-name.png", "b.png"):
        shutil.copy2(kept, kept.parent / name)
    draw(kept.parent / "other.png", 2)
    hash_folder(catalog, kept.parent)
    [group] = find_duplicates(catalog, DupsOptions()).groups
    assert group.keep == os.fsencode(kept)  # of equals, the oldest; of those, the shortest; then by name
    assert [os.path.basename(file.path) for file in group.members] == [b"a.png", b"b.png", b"long-name.png"]
    assert group.reclaimable_bytes == 2 * kept.stat().st_size
    assert [(match.a, match.stage, match.similarity, match.hamming) for match in group.matches] == [
        (os.fsencode(kept), Stage.EXACT, None, 0)
    ] * 2
    assert group.members[0].digest == content_digest(kept.read_bytes())


def test_unreadable_copies_are_no_group(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    hash_folder(catalog, tmp_path)
    assert find_duplicates(catalog, DupsOptions()).groups == ()


def test_missing_files_are_no_members(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "in"
    first = draw(folder / "a.png", 1)
    for name in ("b.png", "c.png"):
        shutil.copy(first, folder / name)
    hash_folder(catalog, folder)
    (folder / "c.png").unlink()
    hash_folder(catalog, folder)
    assert names(find_duplicates(catalog, DupsOptions())) == [["a.png", "b.png"]]
    (folder / "b.png").unlink()
    hash_folder(catalog, folder)
    report = find_duplicates(catalog, DupsOptions())
    assert (report.groups, report.summary["contents"]) == ((), 1)


def test_hard_links_free_nothing(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "in"
    first = draw(folder / "a.png", 1)
    (folder / "link.png").hardlink_to(first)
    hash_folder(catalog, folder)
    [group] = find_duplicates(catalog, DupsOptions()).groups
    assert (len(group.members), group.reclaimable_bytes) == (2, 0)
    copy = Path(shutil.copy(first, folder / "copy.png"))
    (folder / "copy-link.png").hardlink_to(copy)
    hash_folder(catalog, folder)
    [group] = find_duplicates(catalog, DupsOptions()).groups
    assert (len(group.members), group.reclaimable_bytes) == (4, first.stat().st_size)


def test_largest_saving_first_and_limit(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    for seed, copies in ((1, 1), (2, 5), (3, 2)):
        first = draw(tmp_path / "in" / f"{seed}.png", seed)
        for number in range(copies):
            shutil.copy(first, first.with_name(f"{seed}-copy{number}.png"))
    hash_folder(catalog, tmp_path / "in")
    report = find_duplicates(catalog, DupsOptions())
    assert [group[0][0] for group in names(report)] == ["2", "3", "1"]
    saved = [group.reclaimable_bytes for group in report.groups]
    assert saved == sorted(saved, reverse=True)
    limited = find_duplicates(catalog, DupsOptions(limit=2))
    assert limited.groups == report.groups[:2]
    assert (limited.summary["groups"], limited.summary["groups_shown"]) == (3, 2)
    assert limited.summary["reclaimable_bytes"] == sum(saved)


def test_group_id_depends_on_contents_alone(tmp_path: Path, draw: Draw) -> None:
    found = []
    for name in ("one", "other"):
        folder = tmp_path / name
        seeds = (5, 1, 2) if name == "one" else (2, 7, 1)
        for seed in seeds:
            shutil.copy(draw(folder / f"{seed}.png", seed), folder / f"{name}-{seed}.png")
        with Catalog.open(tmp_path / f"{name}.db", create=True) as opened:
            hash_folder(opened, folder)
            report = find_duplicates(opened, DupsOptions())
        found.append({group.id for group in report.groups})
        assert len(found[-1]) == 3
        assert all(len(group) == 12 and int(group, 16) >= 0 for group in found[-1])
    assert len(found[0] & found[1]) == 2


def test_under_looks_at_nothing_else(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    one, other, third = (tmp_path / name for name in ("a", "a.b", "a0"))
    first = draw(one / "1.png", 1)
    for folder in (other, third):
        folder.mkdir()
        shutil.copy(first, folder / "1.png")
    shutil.copy(draw(one / "2.png", 2), one / "2-copy.png")
    hash_folder(catalog, one, other, third)
    assert len(find_duplicates(catalog, DupsOptions()).groups) == 2
    under = [os.fsencode(one)]
    report = find_duplicates(catalog, DupsOptions(under=under))
    assert names(report) == [["2.png", "2-copy.png"]]
    assert (report.summary["contents"], report.parameters["under"]) == (2, under)
    both = find_duplicates(catalog, DupsOptions(under=[os.fsencode(one), os.fsencode(third)]))
    assert sorted(len(group.members) for group in both.groups) == [2, 2]
    assert find_duplicates(catalog, DupsOptions(under=[os.fsencode(one / "2.png")])).groups == ()


def test_flat_pictures_are_no_copies(catalog: Catalog, tmp_path: Path) -> None:
    for shade in (0, 120, 255):
        Image.new("RGB", (64, 48), (shade, shade, shade)).save(tmp_path / f"{shade}.png")
    hash_folder(catalog, tmp_path)
    assert find_duplicates(catalog, DupsOptions()).groups == ()


def test_files_that_a_scan_takes_away_meanwhile(
    catalog: Catalog, tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan may end between the matching, which takes minutes, and the look-up of the files."""
    folder = tmp_path / "in"
    for name in ("a", "b"):
        first = draw(folder / f"{name}.png", ord(name))
        shutil.copy(first, folder / f"{name}-copy.png")
    Image.open(folder / "b.png").resize((112, 96)).save(folder / "b-large.png")
    hash_folder(catalog, folder)
    assert sorted(map(len, names(find_duplicates(catalog, DupsOptions())))) == [2, 3]
    real = sift_pairs

    def sift_while_a_scan_ends(*args: Any, **options: Any) -> Any:
        for name in ("a-copy.png", "b-large.png"):
            (folder / name).unlink()
        hash_folder(catalog, folder)
        return real(*args, **options)

    monkeypatch.setattr(dups, "sift_pairs", sift_while_a_scan_ends)
    assert list(map(sorted, names(find_duplicates(catalog, DupsOptions())))) == [["b-copy.png", "b.png"]]


def test_empty_catalog(catalog: Catalog) -> None:
    report = find_duplicates(catalog, DupsOptions())
    assert (report.groups, report.summary["contents"], report.summary["matches"]) == (
        (),
        0,
        {"exact": 0, "sieve": 0, "verifier": 0, "geometry": 0},
    )


def test_path_that_is_not_text(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    first = draw(tmp_path / "in" / "a.png", 1)
    odd = os.fsencode(first.parent) + b"/\xff\n.png"
    shutil.copy(os.fsencode(first), odd)
    hash_folder(catalog, first.parent)
    [group] = find_duplicates(catalog, DupsOptions()).groups
    assert odd in {file.path for file in group.members}


# --- pieces ---------------------------------------------------------------------------------------------


def file(
    path: bytes, content: int, *, width: int = 10, size: int = 100, mtime_ns: int = 0, year: int | None = None
) -> CatalogedFile:
    stamp = FileStamp(size, mtime_ns, device=1, inode=int.from_bytes(path))
    taken = None if year is None else datetime(year, 1, 1)
    return CatalogedFile(path, stamp, content, content.to_bytes(32), width, 10, "PNG", captured_at=taken)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (file(b"/z/long", 1, width=12, size=1), file(b"/a", 2, year=2001)),  # detail before all else
        (file(b"/z/long", 1, size=1, year=2001), file(b"/a", 2)),  # a capture time before bytes
        (file(b"/a", 1, year=2011), file(b"/b", 2, year=2001)),  # whichever
        (file(b"/z/long", 1, mtime_ns=0), file(b"/a", 2, size=101, mtime_ns=3 * 10**9)),  # age before bytes
        (file(b"/z", 1), file(b"/aa", 2, size=101)),  # length before order, and bytes decide nothing
        (file(b"/a", 1), file(b"/b", 2)),
    ],
)
def test_keeper_order(better: CatalogedFile, worse: CatalogedFile) -> None:
    [group] = grouped([better, worse], [PairMatch(1, 2, Stage.SIEVE, None, 3)]).groups
    assert group.keep == better.path
    [match] = group.matches
    assert [match.a, match.b] == sorted([better.path, worse.path])  # whichever was scanned first


def test_a_match_turned_round_says_the_same() -> None:
    there = Alignment(
        matched=True, reason="the pixels agree", inliers=9, transform=((2.0, 0.5, 3.0), (-0.5, 2.0, 1.0)),
        mirrored=False, agreement=0.9, content_a=0.4, content_b=0.8, coverage_a=0.3, coverage_b=0.9,
        tone=1.0, spread=1.0,
    )  # fmt: skip
    back = there.turned_round()
    assert (back.content_a, back.coverage_a) == (there.content_b, there.coverage_b)
    square = [np.vstack([np.array(one.transform), (0, 0, 1)]) for one in (there, back)]
    assert np.allclose(square[0] @ square[1], np.eye(3))
    assert np.allclose(back.turned_round().transform, there.transform)
    for order in ((b"/a", b"/b"), (b"/b", b"/a")):  # which has the smaller id follows from the scans alone
        first, second = file(order[0], 1), file(order[1], 2)
        laid = there if order == (b"/a", b"/b") else back
        [group] = grouped([first, second], [PairMatch(1, 2, Stage.GEOMETRY, 0.5, 3, laid)]).groups
        [match] = group.matches
        assert (match.a, match.b) == (b"/a", b"/b")
        assert match.alignment is not None
        assert np.allclose(match.alignment.transform, there.transform)
        assert match.alignment.content_a == there.content_a


def test_chain_of_pairs_with_copies_is_one_group() -> None:
    files = [
        file(b"/a1", 1, size=30),
        file(b"/a2", 1, size=30),
        file(b"/b", 2, size=20, mtime_ns=3 * 10**9),
        file(b"/c", 3, size=10, mtime_ns=3 * 10**9),
        file(b"/d1", 4, size=500),
        file(b"/d2", 4, size=500),
    ]
    pairs = [PairMatch(1, 2, Stage.SIEVE, 0.9, 1), PairMatch(2, 3, Stage.VERIFIER, 0.7, 20)]
    first, second = grouped(files, pairs, grouping=Grouping.LINKED).groups
    assert ([file.path for file in first.members], first.reclaimable_bytes) == ([b"/d1", b"/d2"], 500)
    assert [file.path for file in second.members] == [b"/a1", b"/a2", b"/b", b"/c"]
    assert (second.reclaimable_bytes, second.doubtful_bytes) == (30, 30)
    assert [(match.a, match.b, match.stage) for match in second.matches] == [
        (b"/a1", b"/a2", Stage.EXACT),
        (b"/a1", b"/b", Stage.SIEVE),
        (b"/b", b"/c", Stage.VERIFIER),
    ]


def seen(kind: Kind, *, a: float, b: float) -> Alignment:
    """What geometry says of two pictures of which these shares lie on the other one."""
    return Alignment(
        matched=True, reason="the pixels agree", inliers=9, transform=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        mirrored=False, agreement=0.9, content_a=a, content_b=b, coverage_a=a, coverage_b=b, tone=1.0,
        spread=1.0, kind=kind,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.EMBEDDED, Kind.OVERLAY])
@pytest.mark.parametrize("width", [20, 4])
def test_two_photos_of_one_collage_are_in_no_group(kind: Kind, width: int) -> None:
    """Whether the collage shows them smaller than they are (20 pixels wide) or larger (4)."""
    files = [file(b"/collage", 1, width=30), file(b"/one", 2, width=width), file(b"/two", 3, width=width)]
    pairs = [PairMatch(1, other, Stage.GEOMETRY, 0.4, 30, seen(kind, a=0.3, b=1.0)) for other in (2, 3)]
    found = grouped(files, pairs)
    assert found.groups == []  # a collage is no copy of either
    assert [(link.a, link.b) for link in found.links] == [(b"/collage", b"/one"), (b"/collage", b"/two")]


def test_crops_and_captioned_crops_stay_with_their_original() -> None:
    files = [file(b"/%d" % number, number, width=40 // number) for number in (1, 2, 3, 4)]
    left, right = seen(Kind.CROPPED, a=0.5, b=1.0), seen(Kind.OVERLAY, a=0.5, b=0.8)
    pairs = [
        PairMatch(1, 2, Stage.SIEVE, 0.95, 1, seen(Kind.RE_ENCODED, a=1, b=1)),
        PairMatch(1, 3, Stage.GEOMETRY, 0.5, 30, left),
        PairMatch(1, 4, Stage.GEOMETRY, 0.5, 30, right),
        PairMatch(2, 4, Stage.GEOMETRY, 0.5, 30, right),
    ]
    [group] = grouped(files, pairs).groups
    assert (group.keep, len(group.members)) == (b"/1", 4)


def test_group_id_does_not_depend_on_the_numbers_of_contents() -> None:
    def group_id(*digests: bytes) -> str:
        files = [replace(file(b"/%d" % row, row), digest=digest) for row, digest in enumerate(digests, 1)]
        [group] = grouped(files, [PairMatch(1, 2, Stage.SIEVE, None, 3)]).groups
        return group.id

    assert group_id(b"one", b"two") == group_id(b"two", b"one")
    assert group_id(b"one", b"two") != group_id(b"one", b"six")


def test_collection_matches_vectors_to_their_rows(embedded: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_PAGE", 2)
    with embedded.read() as connection:
        [model] = queries.stored_models(connection)
        collection = load_collection(connection, model)
    assert collection.ids.tolist() == sorted(collection.ids.tolist())
    assert collection.vector_rows.tolist() == list(range(6))
    with closing(sqlite3.connect(embedded.path)) as connection_:
        stored = dict(connection_.execute("SELECT content_id, vector FROM embedding"))
    by_row: Sequence[bytes] = [vector.tobytes() for vector in collection.vectors]
    assert {int(content): vector for content, vector in zip(collection.ids, by_row, strict=True)} == stored


def test_collection_under_a_folder_takes_only_its_vectors(embedded: Catalog, photos: Path) -> None:
    with embedded.read() as connection:
        [model] = queries.stored_models(connection)
        collection = load_collection(connection, model, [os.fsencode(photos / "below")])
        whole = load_collection(connection, model)
        nothing = load_collection(connection, model, [b"/nowhere"])
    assert (len(collection.ids), collection.vector_rows.tolist()) == (1, [0])
    row = whole.ids.tolist().index(int(collection.ids[0]))
    assert collection.vectors[0].tobytes() == whole.vectors[row].tobytes()
    assert (len(nothing.ids), nothing.vectors.shape, len(nothing.vector_rows)) == (0, (0, 512), 0)
