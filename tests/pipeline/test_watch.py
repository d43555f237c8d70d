"""When a scan is due, and what asks for one; tests/e2e has the process."""

from __future__ import annotations

from pathlib import Path

from neardup_cli.pipeline.scan import ScanOptions
from neardup_cli.pipeline.watch import WatchOptions, _Due, _matters


def due(*, settle: float = 5.0, every: float = 3600.0) -> _Due:
    found = _Due(WatchOptions(ScanOptions(), settle, every), 0.0)
    assert found.at(0.0)  # what came while nobody watched
    found.scanned(0.0, 0.1, done=True)
    return found


def test_a_scan_waits_until_nothing_more_comes() -> None:
    one = due()
    assert not one.at(100.0)
    one.changed(100.0)
    one.changed(103.0)
    assert not one.at(107.9)
    assert one.at(108.0)
    one.scanned(108.0, 108.1, done=True)
    assert not one.at(500.0)


def test_what_never_stops_coming_is_taken_in_all_the_same() -> None:
    one = due()
    for second in range(100, 160):
        one.changed(float(second))
        assert not one.at(float(second))
    one.changed(160.0)
    assert one.at(160.0)


def test_behind_the_first_scan_which_reads_all_there_is_no_rest() -> None:
    one = _Due(WatchOptions(ScanOptions(), 5.0), 0.0)
    one.scanned(0.0, 3600.0, done=True)
    one.changed(3601.0)
    assert one.at(3606.0)


def test_a_scan_rests_for_as_long_as_it_took_nineteen_times_and_five_minutes_at_most() -> None:
    one = due(settle=1.0)
    one.changed(10.0)
    assert one.at(11.0)
    one.scanned(11.0, 21.0, done=True)  # ten seconds
    one.changed(22.0)
    assert not one.at(21.0 + 189.0)
    assert one.at(21.0 + 190.0)
    one.scanned(211.0, 1211.0, done=True)
    one.changed(1211.0)
    assert not one.at(1211.0 + 299.0)
    assert one.at(1211.0 + 300.0)


def test_one_is_due_now_and_then_without_a_change() -> None:
    one = due(every=60.0)
    assert not one.at(59.0)
    assert one.at(61.0)


def test_a_scan_that_could_not_begin_is_due_again() -> None:
    one = due()
    one.changed(100.0)
    assert one.at(105.0)
    one.scanned(105.0, 105.0, done=False)
    assert not one.at(106.0)
    assert one.at(110.0)


def test_a_catalog_asks_for_no_scan_of_itself_and_neither_does_what_is_no_image() -> None:
    catalog = Path("/photos/catalog.db")
    for name in (b"catalog.db", b"catalog.db-wal", b"catalog.db.seal", b"catalog.db.lock"):
        assert not _matters(b"/photos/" + name, catalog)
    assert not _matters(b"/photos/notes.pdf", catalog)
    for name in (b"a.jpg", b"a folder", b"no ending", b"below/catalog.db.jpg"):
        assert _matters(b"/photos/" + name, catalog)
    assert _matters(b"/photos/a.jpg", "postgresql+psycopg://host/photos")
