"""Which folders hold the same images, on small trees."""

from __future__ import annotations

from neardup_cli.records.folders import HeldImage, Relation
from neardup_cli.rules.folders import alike_folders


def tree(*lines: str) -> list[HeldImage]:
    """Return images of "path content [family]": a small number each."""
    images = []
    for line in lines:
        path, content, *family = line.split()
        images.append(HeldImage(path.encode(), int(content), int(family[0] if family else content), 100))
    return images


def told(*lines: str) -> list[tuple[str, str, str, int, int, int]]:
    return [
        (
            pair.relation.value,
            pair.folder.decode(),
            pair.other.decode(),
            pair.shared,
            len(pair.alone),
            len(pair.other_alone),
        )
        for pair in alike_folders(tree(*lines))
    ]


def test_a_backup_is_told_once_by_its_top() -> None:
    assert told(
        "/p/2023/a/1.jpg 1",
        "/p/2023/a/2.jpg 2",
        "/p/2023/b/3.jpg 3",
        "/p/2023/b/4.jpg 4",
        "/backup/old/2023/a/1.jpg 1",
        "/backup/old/2023/a/2.jpg 2",
        "/backup/old/2023/b/3.jpg 3",
        "/backup/old/2023/b/4.jpg 4",
    ) == [("same", "/backup/old", "/p", 4, 0, 0)]


def test_one_within_the_other() -> None:
    assert told("/a/1 1", "/a/2 2", "/b/1 1", "/b/2 2", "/b/3 3") == [("contained", "/a", "/b", 2, 0, 1)]
    assert told("/b/1 1", "/b/2 2", "/a/1 1", "/a/2 2", "/a/3 3") == [("contained", "/b", "/a", 2, 0, 1)]


def test_a_folder_within_another_whose_parts_are_the_same_is_told_once() -> None:
    assert told(
        "/p/a/1 1",
        "/p/a/2 2",
        "/p/b/3 3",
        "/p/b/4 4",
        "/q/a/1 1",
        "/q/a/2 2",
        "/q/b/3 3",
        "/q/b/4 4",
        "/q/b/5 5",
    ) == [("contained", "/p", "/q", 4, 0, 1)]


def test_exports_are_the_same_by_family() -> None:
    assert told("/raw/1 1 1", "/raw/2 2 2", "/raw/3 3 3", "/web/1 11 1", "/web/2 12 2") == [
        ("family", "/web", "/raw", 2, 0, 1)
    ]


def test_of_two_that_are_the_same_by_family_the_smaller_one_is_the_copy() -> None:
    large = [HeldImage(b"/z/%d" % number, number, number, 5000) for number in range(3)]
    small = [HeldImage(b"/a/%d" % number, 10 + number, number, 40) for number in range(3)]
    (pair,) = alike_folders([*large, *small])
    assert (pair.folder, pair.other, pair.relation) == (b"/a", b"/z", Relation.FAMILY)
    assert pair.shared_bytes == 120


def test_the_greater_part_with_what_each_has_alone() -> None:
    assert told("/a/1 1", "/a/2 2", "/a/3 3", "/b/1 1", "/b/2 2", "/b/4 4", "/b/5 5") == [
        ("overlap", "/a", "/b", 2, 1, 2)
    ]


def test_less_than_half_or_one_image_is_nothing() -> None:
    assert told("/a/1 1", "/b/1 1") == []
    assert told(*[f"/a/{n} {n}" for n in range(10)], *[f"/b/{n} {n + 8}" for n in range(10)]) == []


def test_what_lies_everywhere_says_nothing() -> None:
    logos = [f"/{folder}/{logo} {logo}" for folder in range(40) for logo in (1, 2)]
    assert told(*logos) == []


def test_a_folder_is_not_compared_with_what_lies_in_it() -> None:
    assert told("/a/1 1", "/a/2 2", "/a/b/1 1", "/a/b/2 2") == []


def test_the_largest_comes_first_and_names_with_a_common_stem_are_two() -> None:
    small, large = HeldImage(b"/s/1", 1, 1, 10), HeldImage(b"/l/1", 3, 3, 1000)
    images = [
        small,
        small._replace(path=b"/s/2", content=2, family=2),
        small._replace(path=b"/s more/1"),
        small._replace(path=b"/s more/2", content=2, family=2),
        large,
        large._replace(path=b"/l/2", content=4, family=4),
        large._replace(path=b"/l more/1"),
        large._replace(path=b"/l more/2", content=4, family=4),
    ]
    pairs = alike_folders(images)
    assert [(pair.folder, pair.relation) for pair in pairs] == [
        (b"/l more", Relation.SAME),
        (b"/s more", Relation.SAME),
    ]
    assert [pair.shared_bytes for pair in pairs] == [2000, 20]


def test_an_inner_pair_is_told_where_the_outer_one_is_alike_for_the_most_part_only() -> None:
    found = told(
        "/p/a/1 1", "/p/a/2 2", "/p/a/3 3", "/p/x/9 9", "/q/a/1 1", "/q/a/2 2", "/q/a/3 3", "/q/y/8 8"
    )
    assert found == [("same", "/q/a", "/p/a", 3, 0, 0)]
