"""Whether a colour profile reaches beyond sRGB: by its own primaries, not by its name."""

from __future__ import annotations

_SRGB_FROM_XYZ = (  # D50, as profiles store them
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
_OUTSIDE = -0.12
"""A channel of linear sRGB of a primary, below which it lies outside: Display P3's green has -0.22, Adobe
RGB's -0.40; a monitor's that was measured as sRGB may have -0.1."""

_HEADER = 132
_ENTRY = 12
_MOST_TAGS = 100


def reaches_beyond_srgb(icc: bytes) -> bool:
    """Return True if a primary of an ICC profile lies well outside of sRGB; False without primaries."""
    if icc[16:20] != b"RGB ":
        return False
    tags = {}
    for number in range(min(int.from_bytes(icc[128:132]), _MOST_TAGS)):
        entry = icc[_HEADER + _ENTRY * number :][:_ENTRY]
        tags[entry[:4]] = int.from_bytes(entry[4:8])
    return any(
        _is_outside(icc[at + 8 : at + 20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ") if (at := tags.get(name))
    )


def _is_outside(stored: bytes) -> bool:
    if len(stored) < 12:
        return False
    xyz = [int.from_bytes(stored[at : at + 4], signed=True) / 65536 for at in (0, 4, 8)]
    return any(sum(a * b for a, b in zip(row, xyz, strict=True)) < _OUTSIDE for row in _SRGB_FROM_XYZ)
