"""What the clean-up's benchmarks call right and wrong, on cases worked by hand, and what they write."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import eval_readme, removals
from benchmarks._attempts import Made, Must
from benchmarks._cleaning import Act, Answer, Group, answer
from benchmarks._families import Entry, Truth
from benchmarks._files import camera_exif, encoded, with_exif
from benchmarks._lookalikes import FAMILIES, drawn
from benchmarks.families import judge

FAMILY = [
    Entry("a", "1", "original", Truth.ORIGINAL),
    Entry("b", "1", "exact", Truth.EXACT),
    Entry("c", "1", "50%", Truth.SMALLER),
    Entry("d", "1", "grey", Truth.EDIT),
]
OTHER = Entry("s", "2", "stranger", Truth.STRANGER)


def said(*groups: Group, acts: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(groups, {path: Act(path, keep, "resized", "more pixels") for path, keep in acts}, {})


def test_the_answer_is_read_with_paths_below_the_folder(tmp_path: Path) -> None:
    base = str(tmp_path.resolve())
    match = {"a": f"{base}/x/a.jpg", "b": f"{base}/x/b.jpg"}
    members = [{"path": match["a"]}, {"path": match["b"]}]
    report = {
        "groups": [{"keep": match["a"], "members": members, "matches": []}],
        "links": [{"a": match["a"], "b": f"{base}/c.jpg"}],
    }
    act = {"path": match["b"], "kind": "resized"}
    left = [{"path": f"{base}/c.jpg", "reason": "cropped"}]
    plan = {"groups": [{"keep": {"path": match["a"]}, "reason": "r", "acts": [act], "left": left}]}
    found = answer(tmp_path, report, plan)
    assert found.groups == [Group("x/a.jpg", frozenset({"x/a.jpg", "x/b.jpg"}))]
    assert found.acts == {"x/b.jpg": Act("x/b.jpg", "x/a.jpg", "resized", "r")}
    assert found.left == {"c.jpg": "cropped"}
    assert found.pairs == {frozenset({"x/a.jpg", "x/b.jpg"}), frozenset({"x/a.jpg", "c.jpg"})}


def test_a_family_that_comes_out_as_a_person_would_have_it() -> None:
    found = judge([*FAMILY, OTHER], said(Group("a", frozenset("abcd")), acts=(("b", "a"), ("c", "a"))))
    assert (found.families, found.whole, found.kept, found.holding) == (1, 1, 1, 1)
    assert found.wrong == []
    assert found.share(Truth.EXACT) == found.share(Truth.SMALLER) == 1
    assert found.count(Truth.ORIGINAL) == found.count(Truth.EDIT) == 0


def test_the_exact_copy_may_stay_in_the_originals_place() -> None:
    found = judge(FAMILY, said(Group("b", frozenset("abcd")), acts=(("a", "b"), ("c", "b"))))
    assert (found.kept, found.wrong) == (1, [])
    assert found.count(Truth.ORIGINAL) == 0
    assert found.share(Truth.EXACT) == 1


def test_an_original_or_an_edit_that_goes_is_wrong() -> None:
    found = judge(FAMILY, said(Group("d", frozenset("abcd")), acts=(("a", "d"), ("b", "d"))))
    assert found.kept == 0
    assert found.kept_instead == {"grey": 1}
    assert found.count(Truth.ORIGINAL) == 1
    assert len(found.wrong) == 1
    assert judge(FAMILY, said(acts=(("d", "a"),))).count(Truth.EDIT) == 1


@pytest.mark.parametrize(
    "groups",
    [
        (Group("a", frozenset("abc")),),  # a quarter is missing
        (Group("a", frozenset("abcds")),),  # somebody else is in it
        (Group("a", frozenset("abcd")), Group("d", frozenset("ds"))),  # one stands in a second group
        (),
    ],
)
def test_a_family_that_is_not_one_group(groups: tuple[Group, ...]) -> None:
    assert judge([*FAMILY, OTHER], said(*groups)).whole == 0


def test_wrong_removals_are_files_that_had_to_stay_or_go_for_another_photograph() -> None:
    made = [
        Made("0/a", "label", Must.STAY),
        Made("0/b", "JPEG 50", Must.GO),
        Made("0/c", "JPEG 60", Must.GO),
        Made("1/a", "enlargement", Must.EITHER),
        Made("1/b", "still", Must.EITHER),
    ]
    acts = (("0/a", "0/b"), ("0/b", "0/a"), ("1/a", "1/b"), ("1/b", "0/a"))
    found = removals.judge("kind", made, said(acts=acts))
    assert (found.attempts, len(found.wrong)) == (2, 2)
    assert found.wrong[0].startswith("label, for JPEG 50: 0/a goes")
    assert found.wrong[1].startswith("still, for another photograph: label: 1/b goes")
    assert found.acted[Must.GO, "JPEG 50"] == 1
    assert found.acted[Must.GO, "JPEG 60"] == 0
    assert sum(found.left.values()) == 1


def test_another_exif_block_leaves_the_pixels_alone() -> None:
    values = np.random.default_rng(1).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    data = encoded(Image.fromarray(values), ".jpg", 90, camera_exif(1))
    bare, other = with_exif(data, None), with_exif(data, camera_exif(2))
    shown = [Image.open(io.BytesIO(file)) for file in (data, bare, other)]
    assert shown[0].tobytes() == shown[1].tobytes() == shown[2].tobytes()
    assert [len(image.getexif()) > 0 for image in shown] == [True, False, True]
    assert shown[0].getexif()[0x0110] != shown[2].getexif()[0x0110]


@pytest.mark.parametrize("kind", removals.KINDS)
def test_a_kind_writes_files_that_differ_and_the_same_for_one_seed(
    kind: str, tmp_path: Path, draw_photo: Path
) -> None:
    for number in range(4):
        made = removals.write_attempt((kind, draw_photo, number, tmp_path, 7))
        written = [(tmp_path / entry.path).read_bytes() for entry in made]
        assert len(set(written)) == len(written) >= 2
        assert any(entry.must is Must.STAY for entry in made)
        assert sum(path.is_file() for path in (tmp_path / f"{number:03d}").iterdir()) == len(written)
    assert removals.write_attempt((kind, draw_photo, 3, tmp_path / "again", 7)) == made


@pytest.fixture
def draw_photo(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    path = tmp_path / "photo.jpg"
    photographs["astronaut"].save(path, quality=92)
    return path


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_look_alikes_of_a_family_are_the_same(family: str) -> None:
    images = [drawn(family, number, 1) for number in range(12)]
    assert len({image.tobytes() for image in images}) == 12
    assert drawn(family, 3, 1).tobytes() == images[3].tobytes()


def test_an_evaluation_is_put_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- programs: begin -->\nold\n<!-- programs: end -->\n\nrest\n")
    measured = {"name": "PDQ", "state": "measured", "version": "1", "recall": 0.5, "precision": 1.0}
    rows = eval_readme.comparison(
        [{**measured, "cpu_seconds": 7.2, "peak_mb": 139.4}, {"name": "fastdup", "state": "failed"}]
    )
    eval_readme.write(page, "programs", rows)
    assert page.read_text() == (
        "# A\n\n<!-- programs: begin -->\n| program | recall | precision | CPU seconds | peak MB |\n"
        "|---|---|---|---|---|\n| PDQ 1 | 0.500 | 1.000 | 7 | 139 |\n| fastdup | failed | | | |\n"
        "<!-- programs: end -->\n\nrest\n"
    )
    with pytest.raises(SystemExit, match="needs one line <!-- evaluation: begin -->"):
        eval_readme.write(page, "evaluation", rows)


@pytest.mark.parametrize(
    ("page", "mark"), [(eval_readme.PAGE, "evaluation"), (eval_readme.README, "programs")]
)
def test_the_pages_have_the_marks_that_an_evaluation_is_written_between(page: Path, mark: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count(f"<!-- {mark}: begin -->") == text.count(f"<!-- {mark}: end -->") == 1
