from __future__ import annotations

import inspect
import re
from collections import Counter

from neardup_cli import errors
from neardup_cli.errors import NeardupError

LINE = re.compile(r"^ {4}(?P<branches>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: +(?P<code>\d+) +(?P<meaning>\S.*))?$")
# These say no more than that they share the code of another one.
GROUPS = {"CatalogError", "ModelError"}


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """The tree of the docstring: each class with its parent, and its exit code where one is drawn."""
    tree: dict[str, tuple[str | None, int | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if (match := LINE.match(line)) is None:
            continue
        depth = len(match["branches"]) // 4
        above[depth:] = [match["name"]]
        tree[match["name"]] = (
            above[depth - 1] if depth else None,
            None if match["code"] is None else int(match["code"]),
        )
    return tree


def defined() -> dict[str, type[NeardupError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, NeardupError)
    }


def test_tree_names_every_class_under_its_parent() -> None:
    parents = {name: kind.__bases__[0].__name__ for name, kind in defined().items()}
    parents["NeardupError"] = ""
    assert {name: parent or "" for name, (parent, _) in drawn().items()} == parents
    assert all(len(kind.__bases__) == 1 for kind in defined().values())


def test_tree_names_every_exit_code() -> None:
    codes = {name: kind.exit_code for name, kind in defined().items()}
    assert {name: code for name, (_, code) in drawn().items() if code is not None} == {
        name: code for name, code in codes.items() if name not in GROUPS
    }
    for name in GROUPS:
        assert codes[name] == NeardupError.exit_code


def test_codes_are_owned_by_one_class() -> None:
    owned = {name: kind.exit_code for name, kind in defined().items() if "exit_code" in vars(kind)}
    assert [code for code, count in Counter(owned.values()).items() if count > 1] == []
    shared = {name for name, kind in defined().items() if name not in owned}
    assert shared == GROUPS | {"ImageTooLarge", "NotACatalog"}
    assert errors.NotACatalog.exit_code == errors.CatalogCorrupt.exit_code
    assert errors.ImageTooLarge.exit_code == errors.UnreadableImage.exit_code
    # 0 is success, and from 126 on the shell speaks.
    assert all(0 < code < 126 for code in owned.values())


def test_every_class_is_explained() -> None:
    for kind in defined().values():
        assert (kind.__doc__ or "").strip().endswith(".")
        assert str(kind("one line")) == "one line"
