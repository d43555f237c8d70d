"""Pages of which neither may go for the other: other words, other numbers, another box ticked."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from benchmarks._attempts import Attempt, Maker
from benchmarks._files import grainy
from neardup_cli.evaluation.edits.lettering import font

SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeio"]
PAPER = 250


def word(random: np.random.Generator) -> str:
    """A word that nobody knows, of one to four syllables."""
    return "".join(
        SYLLABLES[index] for index in random.integers(len(SYLLABLES), size=int(random.integers(1, 5)))
    )


def other_words(attempt: Attempt) -> None:
    """A page of text, and the same page with 1 to 60 of its words replaced by words as long."""
    text = [[word(attempt.random) for _ in range(9)] for _ in range(attempt.one_of(18, 26, 34))]
    width = int(attempt.random.integers(800, 1700))
    size = round(width * attempt.uniform(0.015, 0.024))
    count = int(np.exp(attempt.uniform(0, np.log(61))))
    changed = [list(line) for line in text]
    for _ in range(count):
        line, place = int(attempt.random.integers(len(text))), int(attempt.random.integers(9))
        changed[line][place] = _other(attempt.random, text[line][place])
    scanned = attempt.uniform(1, 3) if attempt.number % 2 else 0.0
    for lines in (text, changed):
        attempt.stay(f"{count} words", _scanned(attempt, _page(lines, width, size), scanned))


def _other(random: np.random.Generator, known: str) -> str:
    while True:
        found = word(random)
        if found != known and len(found) == len(known):
            return found


def _page(lines: list[list[str]], width: int, size: int) -> Image.Image:
    page = Image.new("L", (width, round(width * 1.41)), PAPER)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((width * 0.1, width * 0.1 + number * size * 1.7), " ".join(line), fill=20, font=font(size))
    return page


def _scanned(attempt: Attempt, page: Image.Image, noise: float) -> Image.Image:
    return grainy(page, noise, attempt.random) if noise else page


def invoices(attempt: Attempt) -> None:
    """Three invoices of one sender: one with other numbers, date and amounts, one with one other digit."""
    width = int(attempt.random.integers(900, 2000))
    names = [" ".join(word(attempt.random) for _ in range(2)).title() for _ in range(6)]
    first, second = _amounts(attempt), _amounts(attempt)
    digit = list(first)
    row = int(attempt.random.integers(len(digit)))
    place = int(attempt.random.choice([at for at, sign in enumerate(digit[row]) if sign.isdigit()]))
    another = str((int(digit[row][place]) + int(attempt.random.integers(1, 10))) % 10)
    digit[row] = digit[row][:place] + another + digit[row][place + 1 :]
    noise = attempt.uniform(1, 3) if attempt.number % 2 else 0.0
    for how, numbers in (("one", first), ("other numbers", second), ("one digit", digit)):
        attempt.stay(how, _scanned(attempt, _invoice(names, numbers, width), noise))


def _amounts(attempt: Attempt) -> list[str]:
    """A number, a date, and six amounts."""
    draw = attempt.random.integers
    day = f"{draw(1, 29):02d}.{draw(1, 13):02d}.{draw(2015, 2026)}"
    return [f"{draw(100_000, 999_999)}", day, *(f"{draw(3, 900)}.{draw(100):02d}" for _ in range(6))]


def _invoice(names: list[str], numbers: list[str], width: int) -> Image.Image:
    unit = width / 100
    page = Image.new("L", (width, round(width * 1.41)), PAPER)
    draw = ImageDraw.Draw(page)
    draw.rectangle((6 * unit, 6 * unit, 94 * unit, 15 * unit), fill=40)
    draw.text((9 * unit, 10.5 * unit), names[0], fill=PAPER, font=font(round(4 * unit)), anchor="lm")
    draw.text((9 * unit, 32 * unit), f"Invoice {numbers[0]}", fill=10, font=font(round(3 * unit)))
    draw.text((70 * unit, 32 * unit), numbers[1], fill=10, font=font(round(2.6 * unit)))
    for row, (name, amount) in enumerate(zip([*names[1:], "Total"], numbers[2:], strict=True)):
        y = (46 + 6 * row) * unit
        draw.line(
            (8 * unit, y + 4.4 * unit, 92 * unit, y + 4.4 * unit), fill=130, width=max(1, round(0.15 * unit))
        )
        draw.text((9 * unit, y), name, fill=20, font=font(round(2.4 * unit)))
        draw.text((91 * unit, y), amount, fill=20, font=font(round(2.4 * unit)), anchor="ra")
    for line in range(8):
        text = "Please pay within fourteen days to the account named below; thank you for your trust."
        draw.text((9 * unit, (92 + 3.2 * line) * unit), text, fill=70, font=font(round(1.8 * unit)))
    return page


def ticked_boxes(attempt: Attempt) -> None:
    """A form of questions with boxes, and the same form with one answer otherwise."""
    random = attempt.random
    width, rows, options = (
        int(random.integers(800, 1800)),
        int(random.integers(6, 16)),
        int(random.integers(2, 5)),
    )
    questions = [" ".join(word(random) for _ in range(4)).capitalize() + "?" for _ in range(rows)]
    answers = [int(random.integers(options)) for _ in range(rows)]
    others = list(answers)
    changed = int(random.integers(rows))
    others[changed] = (others[changed] + 1 + int(random.integers(options - 1))) % options
    cross, noise = bool(random.integers(2)), attempt.uniform(1, 3) if attempt.number % 2 else 0.0
    for ticks in (answers, others):
        page = _form(questions, ticks, options, width, cross=cross)
        attempt.stay("ticked", _scanned(attempt, page, noise))


def _form(questions: list[str], ticks: list[int], options: int, width: int, *, cross: bool) -> Image.Image:
    unit = width / 100
    page = Image.new("L", (width, round(width * 1.41)), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((50 * unit, 9 * unit), "QUESTIONNAIRE", fill=10, font=font(round(4 * unit)), anchor="mm")
    line = max(1, round(0.25 * unit))
    for row, (question, tick) in enumerate(zip(questions, ticks, strict=True)):
        y = (18 + 7 * row) * unit
        draw.text((8 * unit, y), question, fill=20, font=font(round(2.2 * unit)))
        for option in range(options):
            x = (62 + 9 * option) * unit
            draw.rectangle((x, y, x + 2.6 * unit, y + 2.6 * unit), outline=40, width=line)
            if option == tick:
                draw.line(
                    (x + 0.5 * unit, y + 0.5 * unit, x + 2.1 * unit, y + 2.1 * unit), fill=20, width=2 * line
                )
            if option == tick and cross:
                draw.line(
                    (x + 0.5 * unit, y + 2.1 * unit, x + 2.1 * unit, y + 0.5 * unit), fill=20, width=2 * line
                )
    return page


PAGE_KINDS: dict[str, Maker] = {"words": other_words, "invoices": invoices, "boxes": ticked_boxes}
