"""The cases of real reports that once came out wrong, one test each: see `shared_cases`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.shared_cases import CASES, assert_as_expected, names

if TYPE_CHECKING:
    from tests.conftest import Lacking
    from tests.e2e.conftest import Neardup


@pytest.mark.parametrize("case", names(CASES))
def test_case_comes_out_as_expected(
    case: str, tmp_path: Path, neardup: Neardup, lacking: Lacking, forked: Path
) -> None:
    if case == "none":
        lacking(f"the cases in {CASES}")
    assert_as_expected(case, tmp_path / "cases", neardup, forked)
