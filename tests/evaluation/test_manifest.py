from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.manifest import AttackedCopy, read_manifest, write_manifest

PATHS = st.binary(min_size=1, max_size=20).filter(
    lambda path: b"\0" not in path and not path.startswith(b"/")
)
ENTRIES = st.builds(
    AttackedCopy,
    PATHS,
    PATHS,
    st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    st.integers(0, 9),
    st.just(({"kind": "jpeg", "quality": 5},)),
    st.lists(PATHS, max_size=2).map(tuple),
)


@given(st.lists(ENTRIES, max_size=5, unique_by=lambda entry: entry.copy))
def test_whatever_is_written_is_read_again(entries: list[AttackedCopy]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.csv"
        write_manifest(path, entries)
        assert read_manifest(path) == sorted(entries, key=lambda entry: entry.copy)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lacks columns"),
        ("copy,source\na,b\n", "lacks columns"),
        ("copy,source,attack,seed,edits,shows\na,b,c,d,[],[]\n", "line 2"),
        ("copy,source,attack,seed,edits,shows\na,b,c,1,[],[]\nx,y,z,1,{,[]\n", "line 3"),
        ("copy,source,attack,seed,edits,shows\na,b,c,1\n", "line 2"),
        ("copy,source,attack,seed,edits,shows\na,b,c,1,[],5\n", "line 2"),
    ],
)
def test_what_is_no_manifest_is_refused_by_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=reason):
        read_manifest(path)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_manifest(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadInput, match="cannot be read"):
        read_manifest(tmp_path / "binary.csv")
