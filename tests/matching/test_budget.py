from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.matching import budget
from neardup_cli.matching.budget import within_budget

type Pairs = list[tuple[int, int, float]]

PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.2, 0.3, 0.4, 0.5]),
    min_size=1,
).map(lambda found: [(a, b, similarity) for (a, b), similarity in found.items()])


def kept(pairs: Pairs, pictures: int) -> set[tuple[int, int]]:
    first, second, similarities = (np.array(column) for column in zip(*pairs, strict=True))
    chosen = within_budget(first, second, similarities.astype(np.float32), pictures)
    return {(a, b) for (a, b, _), is_chosen in zip(pairs, chosen, strict=True) if is_chosen}


def test_few_pairs_are_all_checked() -> None:
    star = [(0, other, 0.3) for other in range(1, 50)]
    assert len(kept(star, 50)) == 49


@given(PAIRS)
def test_each_picture_brings_its_most_similar(pairs: Pairs) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "PAIRS_PER_PICTURE", 2)
        patch.setattr(budget, "PAIRS_IN_ANY_CASE", 0)
        chosen = kept(pairs, 9)
        wanted = set()
        for picture in range(9):
            own = [pair for pair in pairs if picture in pair[:2]]
            own.sort(key=lambda pair: (-pair[2], pair[0] + pair[1] - picture))
            wanted |= {pair[:2] for pair in own[:2]}
        assert chosen == wanted
        assert kept(pairs[::-1], 9) == chosen
