from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours, queries, regions, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.regions import REGIONS
from neardup_cli.errors import CatalogBusy, CatalogCorrupt
from neardup_cli.index import vectors as vectors_module
from neardup_cli.matching.regions import REGION_DOOR
from neardup_cli.pipeline import region_index, region_join
from neardup_cli.pipeline.doctor import examine
from neardup_cli.pipeline.region_index import open_region_index, region_index_path
from neardup_cli.pipeline.region_join import join_regions
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import Features, FileStamp, ModelIdentity

type Pairs = dict[tuple[int, int], float]
type Numbers = NDArray[np.float64]

DIMENSION = 16


class Collection:
    """A catalog of files that exist in it alone: number n is /in/n; whole and parts are whatever one says."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        with catalog.write() as connection:
            self.scan = scanning.begin_scan(connection)
            self.root = scanning.store_root(connection, b"/in", 1, self.scan)
            scanning.store_model(connection, ModelIdentity("toy", "toy", DIMENSION, "as it is"), self.scan)
            found = scanning.find_model(connection, "toy", "as it is")
            assert found is not None
            self.model = found

    def store(self, whole: dict[int, Numbers], parts: dict[int, Numbers] | None = None) -> None:
        """Store, or replace, the vectors of some files and the regions of some of these."""
        chosen = parts or {}
        outcomes = {
            _digest(number): (
                9,
                Features(
                    "png",
                    8,
                    8,
                    0,
                    0.0,
                    None,
                    vector.astype("<f2").tobytes(),
                    chosen[number].astype("<f2").tobytes() if number in chosen else None,
                ),
            )
            for number, vector in whole.items()
        }
        rows = [
            scanning.FileRow(b"/in/%d" % number, FileStamp(9, 1, 1, number), _digest(number), b"/in")
            for number in whole
        ]
        with self.catalog.write() as connection:
            scanning.store_contents(connection, outcomes, self.model.id, replace=True)
            regions.store_regions(connection, outcomes, self.model.id, replace=True)
            scanning.store_files(connection, rows, {b"/in": self.root}, self.scan)

    def hide(self, numbers: Sequence[int], *, back: bool = False) -> None:
        """Let a scan miss some files, or find them again."""
        with self.catalog.write() as connection:
            rows = connection.exec_driver_sql("SELECT path, id FROM file").all()
            known = {row[0]: row[1] for row in rows}
            ids = [known[b"/in/%d" % number] for number in numbers]
            if back:
                scanning.mark_present(connection, ids)
            else:
                scanning.mark_missing(connection, ids, self.scan)

    def joined(self, threshold: float = 0.2, watch: Progress | None = None) -> Pairs:
        """Join; owner and other by content id."""
        found = join_regions(self.catalog, self.model, threshold, watch or Silent())
        columns = (found.owners.tolist(), found.others.tolist(), found.similarities.tolist())
        return {(owner, other): value for owner, other, value in zip(*columns, strict=True)}

    def by_definition(self, threshold: float = 0.2) -> Pairs:
        """Each picture's regions with every other picture, one by one."""
        with self.catalog.read() as connection:
            present = neighbours.present_vectors(connection, self.model).ids.tolist()
            here = regions.present_regions(connection, self.model).ids.tolist()
            whole = {
                content: vector.astype(np.float64)
                for page in queries.vectors_after(connection, self.model)
                for content, vector in zip(page.ids.tolist(), page.vectors, strict=True)
            }
            parts = {
                content: vectors.astype(np.float64)
                for page in regions.regions_after(connection, self.model)
                for content, vectors in zip(page.ids.tolist(), page.vectors, strict=True)
            }
        pairs: Pairs = {}
        for owner in here:
            near = sorted((-float((parts[owner] @ whole[b]).max()), b) for b in present if b != owner)
            for distance, other in near[: region_join.DEPTH]:
                if np.float32(-distance) >= np.float32(max(threshold, REGION_DOOR)):
                    pairs[owner, other] = -distance
        return pairs


def _digest(number: int) -> bytes:
    return number.to_bytes(32)


@pytest.fixture
def collection(catalog: Catalog) -> Collection:
    return Collection(catalog)


def around(count: int, seed: int, spread: float = 0.8) -> Numbers:
    """Unit vectors around a few centres."""
    random = np.random.default_rng(seed)
    rows = np.random.default_rng(0).normal(size=(4, DIMENSION))[random.integers(0, 4, count)]
    rows = rows + spread * random.normal(size=(count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def some(numbers: Sequence[int], seed: int) -> tuple[dict[int, Numbers], dict[int, Numbers]]:
    """Vectors and regions for some files."""
    whole = around(len(numbers), seed)
    parts = around(len(numbers) * len(REGIONS), seed + 1).reshape(len(numbers), len(REGIONS), -1)
    return dict(zip(numbers, whole, strict=True)), dict(zip(numbers, parts, strict=True))


def close(found: Pairs, expected: Pairs) -> None:
    assert found.keys() == expected.keys()
    for pair, similarity in expected.items():
        assert found[pair] == pytest.approx(similarity, abs=1e-6)


# --- the pairs ------------------------------------------------------------------------------------------


def test_each_region_meets_each_whole_picture(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_FRESH", 7), ("_TILE", 5), ("_PAGE", 3)):
        monkeypatch.setattr(region_join, name, value)
    collection.store(*some(range(1, 31), 1))
    expected = collection.by_definition()
    assert 100 < len(expected) < 870
    close(collection.joined(), expected)
    close(collection.joined(0.6), collection.by_definition(0.6))


def test_only_the_nearest_are_kept(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_join, "DEPTH", 3)
    collection.store(*some(range(1, 25), 2))
    expected = collection.by_definition()
    assert len(expected) > 24
    close(collection.joined(), expected)


def test_without_regions_there_is_nothing_to_do(collection: Collection) -> None:
    collection.store(some(range(1, 4), 1)[0])
    assert collection.joined() == {}
    with collection.catalog.read() as connection:
        assert regions.stored_join(connection, collection.model) is None


def test_pictures_without_regions_are_seen_in_those_that_have_some(collection: Collection) -> None:
    whole, parts = some(range(1, 13), 3)
    collection.store(whole, {number: parts[number] for number in (2, 5)})
    found = collection.joined()
    close(found, collection.by_definition())
    assert {owner for owner, _ in found} == {2, 5}


# --- kept up to date ------------------------------------------------------------------------------------


class Counting(Silent):
    def __init__(self) -> None:
        self.compared = 0

    def advance(self, steps: int = 1) -> None:
        self.compared += steps


def test_a_second_join_compares_nothing(collection: Collection) -> None:
    collection.store(*some(range(1, 20), 4))
    first = collection.joined()
    watch = Counting()
    assert collection.joined(watch=watch) == first
    assert watch.compared == 0


def test_later_joins_compare_what_is_new(collection: Collection) -> None:
    collection.store(*some(range(1, 20), 4))
    collection.joined()
    collection.store(*some(range(20, 23), 5))
    collection.store(some(range(23, 25), 6)[0])
    watch = Counting()
    found = collection.joined(watch=watch)
    # Five new vectors meet the lists that are there, and three pictures have new regions.
    assert watch.compared == 5 + 3
    close(found, collection.by_definition())


steps = st.lists(
    st.tuples(
        st.sampled_from(["store", "plain", "hide", "back", "join"]),
        st.sets(st.integers(1, 8), min_size=1, max_size=4),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25)
@given(steps=steps, depth=st.sampled_from([1, 2, 32]))
def test_whatever_happens_the_pairs_are_those_of_one_join_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, set[int], int]], depth: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        Catalog.open(tmp_path_factory.mktemp("join") / "x.db", create=True) as catalog,
    ):
        patch.setattr(region_join, "DEPTH", depth)
        patch.setattr(region_join, "_NEW", 2)
        patch.setattr(region_join, "_FRESH", 2)
        collection = Collection(catalog)
        there: set[int] = set()
        for act, numbers, seed in steps:
            known = sorted(numbers & there)
            match act:
                case "store" | "plain":
                    whole, parts = some(sorted(numbers), seed)
                    collection.store(whole, parts if act == "store" else None)
                    there |= numbers
                case "hide" | "back" if known:
                    collection.hide(known, back=act == "back")
                case "join":
                    collection.joined()
        close(collection.joined(), collection.by_definition())


def test_a_killed_join_goes_on(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_join, "_FRESH", 4)
    collection.store(*some(range(1, 20), 7))

    class Killed(Silent):
        def advance(self, steps: int = 1) -> None:  # noqa: ARG002 - as its base has it
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.joined(watch=Killed())
    watch = Counting()
    found = collection.joined(watch=watch)
    assert watch.compared == 19 - 4
    close(found, collection.by_definition())


def test_another_process_that_joins_too_is_no_harm(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_join, "_FRESH", 4)
    collection.store(*some(range(1, 20), 8))

    class Overtaking(Silent):
        done = False

        def advance(self, steps: int = 1) -> None:  # noqa: ARG002 - as above
            if not self.done:
                Overtaking.done = True
                collection.joined()

    close(collection.joined(watch=Overtaking()), collection.by_definition())
    assert Overtaking.done


def test_processes_that_never_stop_are_told_of(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.store(*some(range(1, 4), 8))
    monkeypatch.setattr(regions, "take_turn", lambda *_: False)
    with pytest.raises(CatalogBusy, match="try again"):
        collection.joined()


# --- large catalogs -------------------------------------------------------------------------------------


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let indexes be asked from 100 vectors on."""
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", 100)
    monkeypatch.setattr(region_index, "FLAT_UP_TO", 100)


def test_an_index_finds_nearly_the_same(collection: Collection, small_limit: None) -> None:
    whole, parts = some(range(1, 301), 9)
    for number in range(1, 301, 3):  # what is to be found: pictures that hold another one
        parts[number][number % len(REGIONS)] = whole[number % 300 + 1]
    collection.store({n: whole[n] for n in range(1, 251)}, parts)
    collection.joined(0.6)
    collection.store({n: whole[n] for n in range(251, 301)}, parts)
    found, expected = collection.joined(0.9), collection.by_definition(0.9)
    assert len(expected) >= 100
    assert len(found.keys() & expected.keys()) >= 0.95 * len(expected)
    for pair in found:
        assert found[pair] == pytest.approx(expected[pair], abs=1e-6)


# --- the index ------------------------------------------------------------------------------------------


def nearest(collection: Collection, vector: Numbers, count: int) -> list[int]:
    with collection.catalog.read() as connection:
        found = [
            (-float((vectors.astype(np.float64) @ vector).max()), content)
            for page in regions.regions_after(connection, collection.model)
            for content, vectors in zip(page.ids.tolist(), page.vectors, strict=True)
        ]
    return [content for _, content in sorted(found)[:count]]


def search(collection: Collection, vector: Numbers, count: int) -> list[int]:
    index = open_region_index(collection.catalog, collection.model)
    ids, similarities = index.search(vector[None].astype(np.float32), count)
    assert (np.diff(similarities[0][ids[0] >= 0]) <= 0).all()
    return [int(content) for content in ids[0]]


def test_the_index_finds_contents_by_their_best_region(collection: Collection) -> None:
    collection.store(*some(range(1, 40), 10))
    for vector in around(5, 11):
        assert search(collection, vector, 7) == nearest(collection, vector, 7)
    assert region_index_path(collection.catalog.path, collection.model).is_file()


def test_the_index_gives_what_there_is(collection: Collection) -> None:
    collection.store(*some(range(1, 4), 10))
    vector = around(1, 1)[0]
    assert search(collection, vector, 6) == [*nearest(collection, vector, 3), -1, -1, -1]


def test_the_index_follows_the_catalog(collection: Collection) -> None:
    collection.store(*some(range(1, 10), 12))
    vector = around(1, 13)[0]
    search(collection, vector, 4)
    collection.store(*some(range(10, 16), 14))
    assert search(collection, vector, 4) == nearest(collection, vector, 4)
    collection.store(*some(range(3, 12), 15))  # replaced
    with collection.catalog.read() as connection:
        [collection.model] = queries.stored_models(connection)
    assert search(collection, vector, 4) == nearest(collection, vector, 4)


def test_a_damaged_index_file_is_made_anew(collection: Collection) -> None:
    collection.store(*some(range(1, 10), 12))
    vector = around(1, 13)[0]
    search(collection, vector, 4)
    path = region_index_path(collection.catalog.path, collection.model)
    path.write_bytes(path.read_bytes()[:-40])
    assert search(collection, vector, 4) == nearest(collection, vector, 4)


def test_a_large_index_proposes_and_the_catalog_measures(collection: Collection, small_limit: None) -> None:
    whole, parts = some(range(1, 201), 16)
    collection.store(whole, parts)
    hits = 0
    for number in range(1, 201, 10):
        wanted = parts[number][2].astype("<f2").astype(np.float32)
        hits += search(collection, wanted, 3)[0] == number
    assert hits >= 19


# --- doctor ---------------------------------------------------------------------------------------------


def findings(collection: Collection, *, repair: bool = False) -> dict[str, tuple[bool, str]]:
    return {
        finding.check: (finding.ok, finding.detail)
        for finding in examine(collection.catalog, repair=repair)
        if "region" in finding.check
    }


def test_doctor_is_content_with_a_sound_catalog(collection: Collection) -> None:
    collection.store(*some(range(1, 10), 17))
    collection.joined()
    search(collection, around(1, 1)[0], 2)
    found = findings(collection)
    assert len(found) == 3
    assert all(ok for ok, _ in found.values()), found


def test_doctor_says_nothing_of_regions_where_there_are_none(collection: Collection) -> None:
    collection.store(some(range(1, 4), 1)[0])
    assert findings(collection) == {}


def test_doctor_finds_and_repairs_a_wrong_list(collection: Collection) -> None:
    collection.store(*some(range(1, 10), 17))
    expected = collection.joined()
    with collection.catalog.write() as connection:
        connection.exec_driver_sql("UPDATE region_neighbour SET others = x'00' WHERE content_id = 2")
    with pytest.raises(CatalogCorrupt):
        collection.joined()
    name = "what regions of toy look like"
    assert not findings(collection)[name][0]
    assert findings(collection, repair=True)[name][0]
    assert collection.joined() == expected


def test_doctor_finds_and_removes_a_wrong_index(collection: Collection) -> None:
    collection.store(*some(range(1, 10), 17))
    vector = around(1, 1)[0]
    search(collection, vector, 2)
    path = region_index_path(collection.catalog.path, collection.model)
    path.write_bytes(b"something else")
    assert not findings(collection)["region index of toy"][0]
    assert findings(collection, repair=True)["region index of toy"][0]
    assert not path.exists()
    assert search(collection, vector, 2) == nearest(collection, vector, 2)


def test_doctor_finds_vectors_that_are_none(collection: Collection) -> None:
    whole, parts = some(range(1, 4), 17)
    collection.store(whole, {**parts, 2: parts[2] * 2})
    ok, detail = findings(collection)["regions of toy"]
    assert not ok
    assert "scan --thorough --rehash" in detail
