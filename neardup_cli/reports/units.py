"""Numbers for people."""

from __future__ import annotations

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def shown_bytes(size: int) -> str:
    """Return a size in decimal units, as file managers show it: 999 B, 1.0 KB, 43.2 MB."""
    value = float(size)
    for unit in _UNITS:
        if value < 999.95 or unit == _UNITS[-1]:
            return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes every size")


def shown_count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `12,345 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown_seconds(seconds: float) -> str:
    """Return a duration: `0.42 s`, `12.3 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def shown_similarity(similarity: float | None) -> str:
    """Return a cosine similarity with two decimals, rounded down so that 1.00 means the same vector."""
    return "" if similarity is None else f"{int(similarity * 100 + 1e-6) / 100:.2f}"


def shown_confidence(confidence: float | None) -> str:
    """Return a probability with three decimals, rounded down so that 1.000 means the same bytes."""
    return "" if confidence is None else f"{int(confidence * 1000 + 1e-9) / 1000:.3f}"
