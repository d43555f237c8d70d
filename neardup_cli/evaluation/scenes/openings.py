"""Architecture between the camera and a scene: windows, columns, fences, bridges."""

from itertools import pairwise

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Points,
    Shot,
    ambient,
    bar,
    blend,
    ellipse,
    fraction,
    hsv,
    jitter,
    line,
    noise,
    oval,
    polygon,
    rectangle,
    rgb,
    rows_and_columns,
    smoothstep,
)


def window(pixels: Pixels, shot: Shot) -> None:
    """A room's wall with openings: panes, an arch, a porthole, a row of pointed arches."""
    rng = shot.layout
    y, x = rows_and_columns(shot.shape)
    count = int(rng.integers(1, 4))
    at = (x / shot.width * count) % 1 - 0.5
    wide, top, low = rng.uniform(0.26, 0.44), rng.uniform(0.05, 0.3), rng.uniform(0.72, 0.98)
    across, down = np.abs(at) / wide, y / shot.height
    kind = int(rng.integers(4))
    if kind == 0:
        inside = np.maximum(across, np.abs(down - (top + low) / 2) / ((low - top) / 2))
    elif kind == 1:
        bow = np.hypot(across, np.clip((top + 0.22 - down) / 0.22, 0, None))
        inside = np.maximum(bow, (down > low) * 2.0)
    elif kind == 2:
        inside = np.hypot(at * shot.width / count, y - shot.height / 2) / (
            0.42 * min(shot.height, shot.width / count)
        )
    else:
        peak = across + np.clip((top + 0.3 - down) / 0.3, 0, None) ** 1.5
        inside = np.maximum(peak, (down > low) * 2.0)
    stone = noise(rng, shot.shape, coarsest=5, roughness=0.65)
    wall = hsv(shot.mood.uniform(0, 0.7), shot.mood.uniform(0.05, 0.5), shot.mood.uniform(0.12, 0.75))
    body = wall * (0.85 + 0.1 * stone) * (1.15 - 0.35 * np.abs(at)) + 0.3 * smoothstep(
        1.14, 1.0, inside
    ) * ambient(pixels)
    if rng.uniform() < 0.7:
        panes = int(rng.integers(1, 4))
        bars = np.minimum(
            np.abs((at / wide / 2 * panes + 0.5) % 1 - 0.5), np.abs((down * panes * 1.6) % 1 - 0.5)
        )
        inside = np.maximum(inside, 1.2 * smoothstep(0.035, 0.03, bars))
    blend(pixels, smoothstep(0.985, 1.0, inside), body)


def columns(pixels: Pixels, shot: Shot) -> None:
    """Standing and broken columns, some with a beam on them."""
    rng, light = shot.layout, ambient(pixels)
    stone = hsv(rng.uniform(0.05, 0.15), rng.uniform(0.05, 0.3), rng.uniform(0.6, 0.95)) * light
    marble = stone * (1 + 0.08 * noise(rng, shot.shape, coarsest=8, finest=2, roughness=0.7))
    half, top = shot.unit * rng.uniform(0.03, 0.1), shot.height * rng.uniform(0.08, 0.35)
    places = np.sort(rng.uniform(0.02, 0.98, int(rng.integers(2, 6)))) * shot.width
    whole = rng.uniform(size=len(places)) < 0.7
    flutes = int(rng.integers(3, 8))
    for place, stands in zip(places.tolist(), whole.tolist(), strict=True):
        upper = np.full(shot.width, top)
        if not stands:
            upper = shot.height * rng.uniform(0.45, 0.8) + 8 * line(rng, shot.width, coarsest=50)
        _shaft(pixels, marble, (place, half), upper, flutes)
        for wide, down in ((1.5, 0.0), (1.25, 0.35)) if stands else ():
            low = top + down * half
            slab = rectangle(place - wide * half, low - 0.4 * half, place + wide * half, low)
            polygon(pixels, slab, stone * (1 - 0.2 * down))
    standing = places[whole]
    if len(standing) > 1 and rng.uniform() < 0.7:
        beam = rectangle(standing[0] - 2 * half, top - 1.6 * half, standing[-1] + 2 * half, top - 0.3 * half)
        polygon(pixels, beam, stone * 0.92, soft=0.8)


def _shaft(pixels: Pixels, marble: Pixels, place: tuple[float, float], upper: Plane, flutes: int) -> None:
    """A fluted column at `place` (middle, half width), below the line `upper`, (width,)."""
    middle, half = place
    cols = slice(max(0, int(middle - 1.1 * half)), max(0, int(middle + 1.1 * half) + 1))
    y, x = rows_and_columns((pixels.shape[1], pixels.shape[2]))
    across = (x[:, cols] - middle) / half
    mask = smoothstep(1.0, 0.96, np.abs(across)) * smoothstep(0, 2, y - upper[cols])
    groove = np.sin(np.arcsin(np.clip(across, -1, 1)) * 2 * flutes) > 0.3
    shade = 1.05 - 0.35 * np.abs(across - 0.3) - 0.12 * groove
    blend(pixels[:, :, cols], mask, marble[:, :, cols] * shade)


def fence(pixels: Pixels, shot: Shot) -> None:
    """Pickets, a railing with a pattern, or planks with gaps."""
    rng, light = shot.layout, ambient(pixels)
    top, step = shot.height * rng.uniform(0.42, 0.75), shot.unit * rng.uniform(0.06, 0.2)
    tone = (
        jitter(
            rng,
            (rgb(240, 238, 230), rgb(44, 46, 50), rgb(126, 92, 62), rgb(80, 120, 100))[int(rng.integers(4))],
            0.05,
        )
        * light
    )
    wide, kind = step * rng.uniform(0.15, 0.85), int(rng.integers(3))
    for rail in (0.12, rng.uniform(0.5, 0.9)):
        y = top + (shot.height - top) * rail
        polygon(
            pixels,
            rectangle(-5, y - 0.1 * step - 2, shot.width + 5, y + 0.1 * step + 2),
            tone * 0.8,
            soft=0.6,
        )
    for x in np.arange(-step, shot.width + step, step):
        board = jitter(rng, tone, 0.03)
        post = np.array([(0, 1), (0, 0.06), (0.5, 0 if kind == 0 else 0.06), (1, 0.06), (1, 1)])
        polygon(pixels, post * (wide, shot.height - top + 30) + (x, top), board, soft=0.6)
        polygon(
            pixels, rectangle(x + 0.75 * wide, top + 14, x + wide, shot.height + 9), board * 0.65, soft=0.8
        )
        if kind == 2:
            ring = ellipse((x + step / 2, top + 0.3 * (shot.height - top)), (0.4 * step, 0.4 * step))
            inner = ellipse((x + step / 2, top + 0.3 * (shot.height - top)), (0.3 * step, 0.3 * step))
            polygon(pixels, np.concatenate([ring, ring[:1], inner[:1], inner[::-1]]), board, soft=0.6)


def bridge(pixels: Pixels, shot: Shot) -> None:
    """A bridge across the picture: stone arches, or a deck that hangs from cables."""
    rng, light = shot.layout, ambient(pixels)
    y, x = rows_and_columns(shot.shape)
    tone = hsv(rng.uniform(0, 0.12), rng.uniform(0.05, 0.6), rng.uniform(0.4, 0.85)) * light
    deck, thick = shot.height * rng.uniform(0.4, 0.65), shot.unit * rng.uniform(0.03, 0.07)
    spans, start = rng.uniform(1.5, 4.5), rng.uniform()
    along = fraction(x / shot.width * spans + start) - 0.5
    rough = noise(rng, shot.shape, coarsest=10, roughness=0.7)
    if rng.uniform() < 0.5:
        rise = (
            deck
            + thick
            + shot.height * rng.uniform(0.25, 0.45) * (1 - np.sqrt(np.clip(1 - (along / 0.42) ** 2, 0, 1)))
        )
        mask = smoothstep(0, 2, y - deck) * smoothstep(
            2, 0, y - np.where(np.abs(along) < 0.42, rise, 2.0 * shot.height)
        )
        blend(pixels, mask, tone * (1 + 0.12 * rough))
        polygon(
            pixels,
            rectangle(-5, deck - 0.4 * thick, shot.width + 5, deck + 0.3 * thick),
            tone * 0.7,
            soft=0.6,
        )
        return
    polygon(pixels, rectangle(-5, deck, shot.width + 5, deck + thick), tone, soft=0.6)
    tall = shot.height * rng.uniform(0.25, 0.38)
    cable = deck - tall * (np.abs(along) * 2) ** 2
    lines = smoothstep(3.0, 2.0, np.abs(y - cable))
    ropes = (fraction(x / shot.unit * 22) < 0.12) * (y > cable) * (y < deck)
    piers = (np.abs(np.abs(along) - 0.5) < 0.018) * (y > deck - tall * 1.06)
    blend(pixels, np.clip(lines + ropes + piers, 0, 1), tone * 0.85)


def bunting(pixels: Pixels, shot: Shot) -> None:
    """Strings of flags or lanterns across the picture."""
    rng, light = shot.layout, ambient(pixels)
    flags, hang = int(rng.integers(7, 16)), (_pennant, _lantern, _banner)[int(rng.integers(3))]
    tones = [hsv(rng.uniform(), rng.uniform(0.3, 0.95), rng.uniform(0.6, 1)) * light for _ in range(5)]
    for _ in range(int(rng.integers(2, 5))):
        start, end = rng.uniform(-0.05, 0.55, 2) * shot.height
        sag, size = rng.uniform(0.04, 0.25) * shot.height, shot.width / flags * rng.uniform(0.5, 0.95)
        along = np.linspace(0, 1, flags + 1)
        height = start + (end - start) * along + sag * 4 * along * (1 - along)
        rope = np.stack([along * shot.width, height], axis=1)
        for number, (left, right) in enumerate(pairwise(rope)):
            bar(pixels, left, right, 1.0, rgb(230, 226, 218) * light)
            first = (number * 3 + number // 5) % 5
            hang(pixels, (left + right) / 2, size, (tones[first], tones[(first + 1) % 5]))


def _pennant(pixels: Pixels, at: Points, size: float, tones: tuple[Colour, Colour]) -> None:
    polygon(pixels, np.array([(-0.5, 0), (0.5, 0), (0, 1.15)]) * size + at, tones[0])


def _lantern(pixels: Pixels, at: Points, size: float, tones: tuple[Colour, Colour]) -> None:
    (x, y), tone = at.tolist(), tones[0]
    oval(pixels, (x, y + 0.5 * size), (0.42 * size, 0.48 * size), tone)
    oval(pixels, (x - 0.1 * size, y + 0.4 * size), (0.15 * size, 0.25 * size), tone * 1.4, soft=2.0)


def _banner(pixels: Pixels, at: Points, size: float, tones: tuple[Colour, Colour]) -> None:
    polygon(pixels, rectangle(-0.4, 0, 0.4, 1) * size + at, tones[0])
    oval(pixels, (at[0], at[1] + 0.5 * size), (0.2 * size, 0.25 * size), tones[1])
