from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours, queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import CatalogBusy, CatalogCorrupt
from neardup_cli.index import neighbours as neighbours_module
from neardup_cli.index import vectors as vectors_module
from neardup_cli.index.neighbours import Hits, Tile
from neardup_cli.index.vectors import IndexKind
from neardup_cli.pipeline import join, join_vectors
from neardup_cli.pipeline.doctor import examine
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.index_cache import CatalogIndex, open_index
from neardup_cli.pipeline.join import Joined, joined_pictures, update_join
from neardup_cli.pipeline.join_check import join_problem
from neardup_cli.progress import Silent
from neardup_cli.records.files import Features, FileStamp, ModelIdentity
from neardup_cli.records.scans import Cluster
from neardup_cli.reports.json_report import dups_document
from tests.ray_cluster import WORKERS

type Vector = Sequence[float]
type Pairs = dict[tuple[int, int], float]


class Collection:
    """A catalog of files that exist in it alone: number n is /in/n, its vectors are whatever one says."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        with catalog.write() as connection:
            self.scan = scanning.begin_scan(connection)
            self.root = scanning.store_root(connection, b"/in", 1, self.scan)

    def model(self, name: str, dimension: int) -> StoredModel:
        with self.catalog.write() as connection:
            scanning.store_model(connection, ModelIdentity(name, name, dimension, "as it is"), self.scan)
            found = scanning.find_model(connection, name, "as it is")
            assert found is not None
            return found

    def store(self, model: StoredModel, vectors: dict[int, Vector]) -> None:
        """Store, or replace, the vectors of some files."""
        outcomes = {
            _digest(number): (9, Features("png", 8, 8, 0, 0.0, None, np.array(vector, "<f2").tobytes()))
            for number, vector in vectors.items()
        }
        rows = [
            scanning.FileRow(b"/in/%d" % number, FileStamp(9, 1, 1, number), _digest(number), b"/in")
            for number in vectors
        ]
        with self.catalog.write() as connection:
            scanning.store_contents(connection, outcomes, model.id, replace=True)
            scanning.store_files(connection, rows, {b"/in": self.root}, self.scan)

    def hide(self, numbers: Sequence[int], *, back: bool = False) -> None:
        """Let a scan miss some files, or find them again."""
        with self.catalog.write() as connection:
            found = connection.exec_driver_sql("SELECT path, id FROM file").all()
            known = {file.path: file.id for file in found}
            ids = [known[b"/in/%d" % number] for number in numbers]
            if back:
                scanning.mark_present(connection, ids)
            else:
                scanning.mark_missing(connection, ids, self.scan)


def _digest(number: int) -> bytes:
    return number.to_bytes(32)


def joined(catalog: Catalog, model: StoredModel | None, threshold: float = 0.2) -> tuple[Joined, Pairs]:
    """Join; the pairs by content ids."""
    found = joined_pictures(catalog, model, threshold, (), Silent())
    ids = found.pictures.ids[np.stack(found.pictures.similar[:2])].T.tolist()
    similarities = found.pictures.similar.similarities.tolist()
    return found, {(a, b): value for (a, b), value in zip(ids, similarities, strict=True)}


def by_definition(catalog: Catalog, model: StoredModel, threshold: float, depth: int) -> Pairs:
    """All pairs, each picture's nearest, one by one."""
    with catalog.read() as connection:
        present = neighbours.present_vectors(connection, model).ids.tolist()
        vectors = {
            content: vector.astype(np.float64)
            for page in queries.vectors_after(connection, model)
            for content, vector in zip(page.ids.tolist(), page.vectors, strict=True)
        }
    pairs: Pairs = {}
    for a in present:
        near = sorted((-float(vectors[a] @ vectors[b]), b) for b in present if b != a)
        for distance, b in near[:depth]:
            if -distance >= threshold:
                pairs[min(a, b), max(a, b)] = -distance
    return pairs


@pytest.fixture
def collection(catalog: Catalog) -> Collection:
    return Collection(catalog)


def around(count: int, seed: int, dimension: int = 16) -> NDArray[np.float64]:
    """Unit vectors around a few centres."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(4, dimension))[random.integers(0, 4, count)]
    rows = rows + 0.8 * random.normal(size=(count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


# --- whatever happens, the lists are those of one join from scratch ---------------------------------------

# Sums of few halves are exact, so that similarities are often equal and thresholds are met to the bit.
halves = st.lists(st.sampled_from([-0.5, 0.0, 0.5]), min_size=4, max_size=4)
numbers = st.integers(1, 9)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.dictionaries(numbers, halves, min_size=1, max_size=5)),
        st.tuples(st.just("other model"), st.dictionaries(numbers, halves, min_size=1, max_size=3)),
        st.tuples(st.just("hide"), st.lists(numbers, max_size=3)),
        st.tuples(st.just("find"), st.lists(numbers, max_size=3)),
        st.tuples(st.just("join"), st.just(())),
        st.tuples(st.just("killed"), st.integers(0, 3)),
        st.tuples(st.just("lower"), st.sampled_from([-0.75, 0.0, 0.125])),
    ),
    max_size=10,
)


class Killed(BaseException):
    pass


def dies_at(transaction: int) -> Callable[..., bool]:
    """A `take_turn` that is killed within a transaction."""
    real, begun = neighbours.take_turn, 0

    def take_turn(*arguments: Any) -> bool:
        nonlocal begun
        done = real(*arguments)
        begun += 1
        if begun > transaction:
            raise Killed
        return done

    return take_turn


@settings(max_examples=40)
@given(steps=steps, depth=st.integers(1, 4), step=st.integers(1, 3))
def test_any_history_leads_to_the_pairs_of_one_join(
    steps: list[tuple[str, Any]], depth: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("history") / "catalog.db"
    with Catalog.open(path, create=True) as catalog, pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "DEPTH", {IndexKind.FLAT: depth})
        patch.setattr(join, "_STEP", step)
        collection = Collection(catalog)
        model, other = collection.model("one", 4), collection.model("other", 4)
        stored: set[int] = set()
        floor = 0.2
        for what, value in steps:
            match what:
                case "store":
                    collection.store(model, value)
                    stored |= value.keys()
                case "other model":
                    collection.store(other, value)
                    stored |= value.keys()
                    update_join(catalog, other, floor, Silent())
                case "hide" | "find":
                    collection.hide([number for number in value if number in stored], back=what == "find")
                case "join":
                    update_join(catalog, model, 0.2, Silent())
                case "lower":
                    floor = min(floor, value)
                    _, pairs = joined(catalog, model, value)
                    assert pairs == by_definition(catalog, model, value, depth)
                case "killed":
                    with pytest.MonkeyPatch.context() as dying:
                        dying.setattr(neighbours, "take_turn", dies_at(value))
                        with suppress(Killed):
                            update_join(catalog, model, floor, Silent())
        for one in (model, other):
            _, pairs = joined(catalog, one)
            assert pairs == by_definition(catalog, one, 0.2, depth)
            again, same = joined(catalog, one)
            assert (again.compared, same) == (0, pairs)


def test_only_what_is_new_is_compared(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 16)
    rows = around(40, seed=1)
    collection.store(model, {number: rows[number] for number in range(30)})
    first, _ = joined(catalog, model)
    assert (first.compared, first.kind, first.cut) == (30, IndexKind.FLAT, 0)
    collection.store(model, {number: rows[number] for number in range(30, 40)})
    second, pairs = joined(catalog, model)
    assert second.compared == 10
    assert pairs == pytest.approx(by_definition(catalog, model, 0.2, 40), abs=1e-5)
    assert joined(catalog, model)[0].compared == 0


def test_a_higher_threshold_asks_for_nothing_new(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 16)
    collection.store(model, dict(enumerate(around(30, seed=2))))
    joined(catalog, model)
    high, pairs = joined(catalog, model, 0.7)
    assert high.compared == 0
    assert pairs == pytest.approx(by_definition(catalog, model, 0.7, 30), abs=1e-5)
    low, pairs = joined(catalog, model, 0.1)
    assert low.compared == 30
    assert pairs == pytest.approx(by_definition(catalog, model, 0.1, 30), abs=1e-5)
    assert joined(catalog, model, 0.2)[0].compared == 0


def test_crowded_pictures_are_counted(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "DEPTH", {IndexKind.FLAT: 2})
    model = collection.model("one", 4)
    collection.store(model, dict.fromkeys(range(5), (0.5, 0.5, 0.5, 0.5)))
    found, pairs = joined(catalog, model)
    assert found.cut == 5
    assert pairs == by_definition(catalog, model, 0.2, 2)


def test_under_takes_the_pairs_within(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 4)
    collection.store(model, dict.fromkeys(range(3), (1.0, 0, 0, 0)))
    found = joined_pictures(catalog, model, 0.2, [b"/in/0", b"/in/2"], Silent())
    assert [column.tolist() for column in found.pictures.similar] == [[0], [1], [1.0]]
    assert found.pictures.embedded.tolist() == [True, True]


def test_no_model_and_no_vectors(catalog: Catalog, collection: Collection) -> None:
    assert joined(catalog, None)[1] == {}
    found, pairs = joined(catalog, collection.model("one", 4))
    assert (found.compared, pairs) == (0, {})


# --- two at once, and damage -------------------------------------------------------------------------------


def test_two_processes_join_at_once(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is overtaken waits, reads again and goes on with what is left."""
    monkeypatch.setattr(join, "_STEP", 3)
    monkeypatch.setattr(join, "_PATIENCE", 0.5)
    model = collection.model("one", 16)
    collection.store(model, dict(enumerate(around(40, seed=3))))
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with Catalog.open(catalog.path) as opened:
                update_join(opened, model, 0.2, Silent())
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    _, pairs = joined(catalog, model)
    assert pairs == pytest.approx(by_definition(catalog, model, 0.2, 40), abs=1e-5)


def test_overtaken_for_ever(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = collection.model("one", 4)
    collection.store(model, {1: (1.0, 0, 0, 0)})
    monkeypatch.setattr(join, "_PATIENCE", 0.01)
    monkeypatch.setattr(neighbours, "take_turn", lambda *_: False)
    with pytest.raises(CatalogBusy, match="other processes"):
        update_join(catalog, model, 0.2, Silent())


def test_damaged_lists(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 4)
    collection.store(model, dict.fromkeys(range(3), (1.0, 0, 0, 0)))
    joined(catalog, model)
    with closing(sqlite3.connect(catalog.path)) as connection:
        connection.execute("UPDATE neighbour SET others = x'00'")
        connection.commit()
    with pytest.raises(CatalogCorrupt, match="doctor --repair"):
        joined(catalog, model)


# --- many vectors ------------------------------------------------------------------------------------------


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 300 vectors are many."""
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", 300)


def planted(count: int, seed: int) -> NDArray[np.float64]:
    """Random unit vectors, the second half copies of the first at similarities from 0.5 to 0.95."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, 64))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half = count // 2
    cosines = random.uniform(0.5, 0.95, (half, 1))
    rows[half:] = cosines * rows[:half] + np.sqrt(1 - cosines**2) * rows[half:]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def recall(catalog: Catalog, model: StoredModel, pairs: Pairs) -> float:
    wanted = by_definition(catalog, model, 0.5, 16).keys()
    return len(wanted & pairs.keys()) / len(wanted)


@pytest.mark.usefixtures("small_limit")
def test_many_vectors_are_joined_by_an_index(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 64)
    rows = planted(600, seed=4)
    collection.store(model, dict(enumerate(rows)))
    found, pairs = joined(catalog, model)
    assert (found.kind, found.compared) == (IndexKind.IVF, 600)
    assert recall(catalog, model, pairs) > 0.95
    exact = by_definition(catalog, model, 0.2, 600)
    for pair, similarity in pairs.items():
        assert similarity == pytest.approx(exact[pair], abs=1e-5)
    assert joined(catalog, model)[0].compared == 0


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("bulk", [0.0, 1.0])
def test_outgrowing_flat_keeps_what_was_found(
    bulk: float, catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists of the flat join stay; only what is new asks the index, in memory or through the catalog."""
    monkeypatch.setattr(join_vectors, "_BULK", bulk)
    model = collection.model("one", 64)
    rows = planted(600, seed=5)
    collection.store(model, {number: rows[number] for number in range(280)})
    assert joined(catalog, model)[0].kind is IndexKind.FLAT
    collection.store(model, {number: rows[number] for number in range(280, 600)})
    found, pairs = joined(catalog, model)
    assert (found.kind, found.compared) == (IndexKind.IVF, 320)
    assert recall(catalog, model, pairs) > 0.9
    assert joined(catalog, model)[0].compared == 0
    with catalog.read() as connection:
        stored = neighbours.stored_join(connection, model)
    assert stored is not None
    assert (stored.kind, stored.depth) == ("ivf", 32)


@pytest.mark.usefixtures("small_limit")
def test_a_vector_that_a_scan_replaces_meanwhile(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its new one is not taken for the one that was to be compared: the next join sees to it."""
    model = collection.model("one", 64)
    rows = planted(400, seed=13)
    collection.store(model, dict(enumerate(rows)))

    def replacing(*arguments: Any) -> CatalogIndex:
        collection.store(model, {7: rows[300], 8: rows[301]})
        return open_index(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(join_vectors, "open_index", replacing)
        assert update_join(catalog, model, 0.2, Silent())[1] == 398
    found, pairs = joined(catalog, model)
    assert found.compared >= 2  # and full lists that named one of the two
    assert pairs[min(8, 301), max(8, 301)] == pytest.approx(1, abs=1e-3)  # halves
    assert recall(catalog, model, pairs) > 0.9
    assert join_problem(catalog, model) == ""


@pytest.mark.usefixtures("small_limit")
def test_shrinking_below_the_limit_joins_exactly_again(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 64)
    collection.store(model, dict(enumerate(planted(400, seed=6))))
    assert joined(catalog, model)[0].kind is IndexKind.IVF
    collection.hide(range(200, 400))
    found, pairs = joined(catalog, model)
    assert (found.kind, found.compared) == (IndexKind.FLAT, 200)
    assert pairs == pytest.approx(by_definition(catalog, model, 0.2, 200), abs=1e-5)


# --- on a cluster ------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(ray_address: str) -> Cluster:
    return Cluster(ray_address, WORKERS)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Catalog]:
    """Another empty catalog."""
    with Catalog.open(tmp_path / "twin.db", create=True) as opened:
        yield opened


def stored(catalog: Catalog) -> list[Any]:
    """All that a join writes."""
    with closing(sqlite3.connect(catalog.path)) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("vector_join", "neighbour")
        ]


def groups_of(catalog: Catalog, cluster: Cluster | None) -> Any:
    report = find_duplicates(catalog, DupsOptions(threshold=0.5, verify=False, cluster=cluster))
    document = dups_document(report)
    assert document["groups"]
    return document["groups"], document["summary"]["compared"]


@pytest.mark.parametrize("flat_up_to", [1000, 300])
def test_a_cluster_finds_what_this_machine_finds(
    flat_up_to: int, catalog: Catalog, twin: Catalog, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte: with lists that are there already, tiles of all sizes, and an index of either kind."""
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", flat_up_to)
    monkeypatch.setattr(neighbours_module, "_TILE", 90)
    monkeypatch.setattr(join_vectors, "_QUESTIONS", 70)
    monkeypatch.setattr(join, "_STEP", 150)
    rows = planted(600, seed=10)
    for opened in (catalog, twin):
        collection = Collection(opened)
        model = collection.model("one", 64)
        collection.store(model, {number: rows[number] for number in range(200)})
        update_join(opened, model, 0.2, Silent())
        collection.store(model, {number: rows[number] for number in range(150, 600)})
    answer, compared = groups_of(catalog, None)
    with monkeypatch.context() as patch:  # what would compare here
        patch.setattr(join_vectors, "LocalEngine", None)
        patch.setattr(join_vectors, "_one_by_one", None)
        assert groups_of(twin, cluster) == (answer, compared)
    assert compared >= 450  # and full lists that lost an entry
    assert stored(twin) == stored(catalog)


def test_a_worker_that_dies_in_the_middle_of_a_join(
    catalog: Catalog, twin: Catalog, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(neighbours_module, "_TILE", 60)
    monkeypatch.setattr(join, "_STEP", 100)
    rows = planted(400, seed=11)
    for opened in (catalog, twin):
        collection = Collection(opened)
        collection.store(collection.model("one", 64), dict(enumerate(rows)))
    answer = groups_of(catalog, None)
    died = str(tmp_path / "died")

    def deadly(vectors: NDArray[np.floating], tile: Tile) -> Hits:  # within a function: workers have no tests
        import os
        import signal

        from neardup_cli.index.neighbours import compare_tile

        if tile.block[0] == 200 and not os.path.exists(died):
            os.mkdir(died)
            os.kill(os.getpid(), signal.SIGKILL)
        return compare_tile(vectors, tile)

    monkeypatch.setattr(join_vectors, "compare_tile", deadly)
    assert groups_of(twin, cluster) == answer
    assert Path(died).is_dir()
    assert stored(twin) == stored(catalog)


@pytest.mark.parametrize("flat_up_to", [1000, 300])
def test_no_cluster_is_asked_for_a_few(
    flat_up_to: int, catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", flat_up_to)
    monkeypatch.setattr(join_vectors, "_engine_of", None)
    model = collection.model("one", 64)
    rows = planted(400, seed=12)
    collection.store(model, {number: rows[number] for number in range(391)})
    update_join(catalog, model, 0.2, Silent())
    collection.store(model, {number: rows[number] for number in range(391, 400)})
    assert update_join(catalog, model, 0.2, Silent(), Cluster())[1] == 9


# --- what `doctor` sees ------------------------------------------------------------------------------------


def changed_by(catalog: Catalog, statement: str) -> None:
    with closing(sqlite3.connect(catalog.path)) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()


def test_sound_lists(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 16)
    assert join_problem(catalog, model) == ""
    rows = around(40, seed=7)
    collection.store(model, {number: rows[number] for number in range(30)})
    joined(catalog, model)
    assert join_problem(catalog, model) == ""
    # What is merely out of date is not damaged.
    collection.store(model, {number: rows[-number] for number in (1, 2, 35)})
    collection.hide([5])
    assert join_problem(catalog, model) == ""
    joined(catalog, model)
    assert join_problem(catalog, model) == ""


@pytest.mark.usefixtures("small_limit")
def test_sound_lists_of_an_index(catalog: Catalog, collection: Collection) -> None:
    model = collection.model("one", 64)
    collection.store(model, dict(enumerate(planted(400, seed=8))))
    joined(catalog, model)
    assert join_problem(catalog, model) == ""
    findings = {finding.check: finding for finding in examine(catalog)}
    assert findings["index of one"].ok
    assert findings["index of one"].detail == "current, ivf of 15 lists"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE neighbour SET others = x'00' WHERE content_id = 3", "damaged"),
        ("UPDATE neighbour SET similarities = zeroblob(length(similarities))", "no join has made"),
        ("DELETE FROM neighbour WHERE content_id = 3", "no join has made"),
        ("UPDATE neighbour SET others = x'', similarities = x'', best = -2", "do not follow"),
        (
            "UPDATE embedding SET vector = (SELECT vector FROM embedding WHERE content_id = 4)",
            "do not follow",
        ),
        ("DELETE FROM vector_join", "without a join"),
    ],
)
def test_lists_that_are_wrong_are_seen_and_forgotten(
    statement: str, problem: str, catalog: Catalog, collection: Collection
) -> None:
    model = collection.model("one", 16)
    collection.store(model, dict(enumerate(around(20, seed=9))))
    _, pairs = joined(catalog, model)
    changed_by(catalog, statement)
    assert problem in join_problem(catalog, model)
    findings = {finding.check: finding for finding in examine(catalog)}
    assert not findings["neighbours in one"].ok
    assert "doctor --repair" in findings["neighbours in one"].detail
    examine(catalog, repair=True)
    assert join_problem(catalog, model) == ""
    found, again = joined(catalog, model)
    assert found.compared == 20
    assert again == pytest.approx(by_definition(catalog, model, 0.2, 20), abs=1e-5)
    if "embedding" not in statement:
        assert again == pairs


# --- places ---------------------------------------------------------------------------------------------


@given(
    st.sets(st.integers(-20, 20))
    | st.builds(lambda first, count: set(range(first, first + count)), st.integers(-9, 9), st.integers(0, 9)),
    st.lists(st.integers(-30, 30)),
)
def test_places_are_those_of_the_ids_with_gaps_and_without(ids: set[int], wanted: list[int]) -> None:
    ascending = sorted(ids)
    expected = [ascending.index(one) if one in ids else -1 for one in wanted]
    found = join_vectors.places_of(np.array(ascending, np.int64), np.array(wanted, np.int64))
    assert found.tolist() == expected
