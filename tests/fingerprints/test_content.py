from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.fingerprints import content
from neardup_cli.fingerprints.content import DIGEST_BYTES, content_digest, stream_digest

# Of the bytes 0 to 250, repeated: test_vectors.json in https://github.com/BLAKE3-team/BLAKE3
VECTORS = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
}


@pytest.mark.parametrize(("length", "expected"), VECTORS.items())
def test_known_vectors(length: int, expected: str) -> None:
    data = bytes(number % 251 for number in range(length))
    assert content_digest(data).hex() == expected
    assert stream_digest(io.BytesIO(data)).hex() == expected


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_chunks_do_not_matter(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_CHUNK", chunk)
    data = bytes(range(256)) * 9
    assert stream_digest(io.BytesIO(data)) == content_digest(data)


def test_short_reads_do_not_end_it() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    assert stream_digest(Trickle(b"0123456789")) == content_digest(b"0123456789")


def test_stream_is_hashed_from_where_it_stands() -> None:
    stream = io.BytesIO(b"headbody")
    stream.seek(4)
    assert stream_digest(stream) == content_digest(b"body")


@given(st.binary(), st.binary())
def test_other_bytes_other_digest(a: bytes, b: bytes) -> None:
    assert (content_digest(a) == content_digest(b)) == (a == b)
    assert len(content_digest(a)) == DIGEST_BYTES
