"""What a clean-up would free, of files as a catalog knows them."""

from __future__ import annotations

from dataclasses import replace

from neardup_cli.records.proofs import Proof
from neardup_cli.rules.totals import parted
from tests.rules.matches import file


def test_a_raw_file_is_never_counted_as_free() -> None:
    """No clean-up removes one, whatever it is a copy of: to count it would promise what does not come."""
    kept, jpeg = file(b"/photos/one.jpg", 1), file(b"/photos/two.jpg", 2)
    raw = replace(file(b"/photos/IMG_1.CR3", 3), digest=kept.digest)
    dng = file(b"/photos/IMG_1", 4, kind="DNG")
    proofs = {jpeg.digest: Proof(), dng.digest: Proof()}
    found = parted([kept, jpeg, raw, dng], kept.path, frozenset(), proofs)
    assert (found.certain, found.doubtful, found.staying) == ((jpeg,), (raw, dng), (kept,))
