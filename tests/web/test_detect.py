"""Uploads: the answer is the detector's, nothing is kept, many at once are answered each."""

from __future__ import annotations

import io
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from neardup_cli import DuplicateDetector
from neardup_cli.records.answers import QueryMatch

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve


def detect(running: Running, data: bytes, **fields: Any) -> Any:
    answer = running.client.post("/api/detect", files={"file": ("x.jpg", data)}, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def as_jpeg(picture: Image.Image, quality: int = 60) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def seen(matches: tuple[QueryMatch, ...]) -> list[Any]:
    return [(match.path.decode(), match.stage, match.hamming) for match in matches]


def seen_here(matches: Any) -> list[Any]:
    return [(match["path"], match["stage"], match["hamming"]) for match in matches]


def test_the_answer_is_the_detectors(
    running: Running, scanned_photos: Path, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    with DuplicateDetector(hash_db=scanned_photos) as detector:
        for name, edit in (("astronaut", "L"), ("coffee", "RGB"), ("rocket", "RGB")):
            data = as_jpeg(photographs[name].convert(edit), 40)
            path = tmp_path / f"{name}.jpg"
            path.write_bytes(data)
            expected, answer = detector.detect(path, top_k=5), detect(running, data)
            assert (answer["is_duplicate"], answer["stage"]) == (True, expected.stage)
            assert expected.match is not None
            assert answer["match"]["path"] == expected.match.path.decode()
            for kind in ("sieve_matches", "verifier_matches", "neighbours"):
                assert seen_here(answer[kind]) == seen(getattr(expected, kind))


def test_a_new_picture_is_unique(running: Running) -> None:
    picture = Image.radial_gradient("L").resize((300, 200))
    answer = detect(running, as_jpeg(picture))
    assert (answer["is_duplicate"], answer["stage"], answer["match"]) == (False, "unique", None)
    assert answer["explanation"] is None


def test_top_k_and_threshold(running: Running, photographs: dict[str, Image.Image]) -> None:
    data = as_jpeg(photographs["astronaut"], 50)
    assert len(detect(running, data, top_k=1)["sieve_matches"]) == 1
    strict = detect(running, data, threshold=1.0)
    assert not strict["is_duplicate"]
    assert strict["neighbours"]


def test_the_explanation_says_where(running: Running, photographs: dict[str, Image.Image]) -> None:
    astronaut = photographs["astronaut"]
    cut = astronaut.crop((40, 30, 260, 250))
    answer = detect(running, as_jpeg(cut, 90), explain=True)
    explanation = answer["explanation"]
    assert explanation["kind"] == "cropped"
    assert explanation["a"] == "upload"
    left, top = explanation["outline"][0]
    assert left == pytest.approx(40 / astronaut.width, abs=0.03)
    assert top == pytest.approx(30 / astronaut.height, abs=0.03)


def test_uploads_are_not_kept(
    running: Running,
    photographs: dict[str, Image.Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither on disk nor open: what is larger than a megabyte passes through a file without a name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = io.BytesIO()
    photographs["coffee"].resize((900, 900)).save(large, "BMP")
    assert len(large.getvalue()) > 2 << 20
    assert detect(running, large.getvalue(), explain=True)["explanation"]["is_duplicate"]
    running.client.post("/api/detect", files={"file": b"nonsense" * (1 << 18)})
    assert list(tmp_path.iterdir()) == []
    if (handles := Path("/proc/self/fd")).exists():
        deadline = time.monotonic() + 5  # a file is closed after its answer was sent
        while held := [link for link in map(os.path.realpath, handles.iterdir()) if str(tmp_path) in link]:
            assert time.monotonic() < deadline, held
            time.sleep(0.01)


def test_a_hundred_at_once_each_get_their_own_answer(
    running: Running, photographs: dict[str, Image.Image]
) -> None:
    uploads = [
        (name, as_jpeg(photographs[name], quality)) for quality in range(40, 65) for name in photographs
    ]
    with ThreadPoolExecutor(100) as clients:
        answers = list(clients.map(lambda upload: detect(running, upload[1]), uploads))
    assert len(answers) == 100
    for (name, _), answer in zip(uploads, answers, strict=True):
        assert Path(answer["match"]["path"]).stem.startswith(name)
    batches = running.client.get("/metrics").text
    count = float(next(line for line in batches.splitlines() if "batch_count" in line).split()[1])
    total = float(next(line for line in batches.splitlines() if "batch_sum" in line).split()[1])
    assert total > count  # some were looked up together


def test_one_bad_upload_does_not_spoil_its_batch(
    running: Running, photographs: dict[str, Image.Image]
) -> None:
    good = as_jpeg(photographs["chelsea"])
    uploads = [good, b"nonsense", good[:2000], good, b"", good]

    def status(data: bytes) -> int:
        return running.client.post("/api/detect", files={"file": ("x", data)}).status_code

    with ThreadPoolExecutor(6) as clients:
        assert list(clients.map(status, uploads)) == [200, 422, 422, 200, 422, 200]


def test_the_same_picture_twice_in_a_batch(running: Running, photographs: dict[str, Image.Image]) -> None:
    data = as_jpeg(photographs["rocket"])
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: detect(running, data), range(8)))
    assert all(answer == answers[0] for answer in answers)


def test_a_threshold_needs_embeddings(start: Serve, photos: Path, tmp_path: Path) -> None:
    from neardup_cli import build_hash_db

    catalog = build_hash_db(photos, tmp_path / "hashes.db", hash_only=True, workers=1)
    running = start(catalog)
    data = (photos / "coffee.png").read_bytes()
    assert detect(running, data)["stage"] == "sieve"
    refused = running.client.post("/api/detect", files={"file": data}, data={"threshold": 0.5})
    assert refused.status_code == 422
    assert "hashes alone" in refused.json()["message"]
