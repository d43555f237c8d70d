import numpy as np

from neardup_cli.matching.blocks import detail, detailed_centres, deviation, split_blocks


def test_blocks_are_cut_row_by_row() -> None:
    pixels = np.arange(17 * 26, dtype=np.uint8).reshape(17, 26)
    blocks = split_blocks(pixels)
    assert blocks.shape == (2, 3, 64)
    assert np.array_equal(blocks[1, 2].reshape(8, 8), pixels[8:16, 16:24])


def test_detail_drops_row_and_column_patterns_and_keeps_the_rest() -> None:
    rng = np.random.default_rng(0)
    rows, columns, rest = rng.normal(0, 30, (8, 1)), rng.normal(0, 30, (1, 8)), rng.normal(0, 30, (8, 8))
    rest = rest - rest.mean(axis=0) - rest.mean(axis=1, keepdims=True) + rest.mean()
    lines = (rows + columns + 128).reshape(1, 1, 64)
    assert np.allclose(detail(lines.astype(np.float32)), 0, atol=1e-4)
    both = (lines + rest.reshape(1, 1, 64)).astype(np.float32)
    assert np.allclose(detail(both).reshape(8, 8), rest, atol=1e-3)
    assert np.allclose(deviation(detail(both)), rest.std(), rtol=1e-4)


def test_detailed_centres_are_x_and_y() -> None:
    grey = np.full((32, 48), 100, np.uint8)
    grey[8:16, 24:32] = np.random.default_rng(1).integers(0, 256, (8, 8))
    assert detailed_centres(grey, 4.0).tolist() == [[27.5, 11.5]]
