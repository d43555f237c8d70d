"""Edits that show a picture inside a screen: a phone's and a browser's.

The chrome is the same for every picture: two unrelated screenshots agree in a third of their pixels, and a
matcher must not take that for a copy.
"""

from dataclasses import dataclass
from typing import override

from PIL import Image, ImageDraw, ImageOps

from neardup_cli.evaluation.edits.base import Edit, EditContext, SaveAs
from neardup_cli.evaluation.edits.lettering import font, words


@dataclass(frozen=True)
class Screenshot(Edit, kind="screenshot"):
    """A phone's screen: status bar, title bar, the photo with `margin` pixels at its sides, buttons."""

    size: tuple[int, int] = (540, 1080)
    margin: int = 18
    dark: bool = False

    @property
    @override
    def save_as(self) -> SaveAs:
        """PNG, as phones save their screens."""
        return SaveAs("PNG")

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the whole screen, the photo as large as fits between the bars."""
        paper, ink = ((18, 18, 20), (235, 235, 235)) if self.dark else ((250, 250, 250), (25, 25, 25))
        width, height = self.size
        screen = Image.new("RGB", self.size, paper)
        draw = ImageDraw.Draw(screen)
        _status_bar(draw, width, ink)
        draw.line((24, 66, 14, 76, 24, 86), fill=ink, width=3)
        draw.text((48, 76), "Photos", fill=ink, font=font(26), anchor="lm")
        _buttons(draw, width, height, ink)
        room = (width - 2 * self.margin, height - 110 - 170)
        shown = ImageOps.contain(image, room, Image.Resampling.LANCZOS)
        top = 110 + (room[1] - shown.height) // 2
        screen.paste(shown, ((width - shown.width) // 2, top))
        text = words(context.rng, 4)
        draw.text((self.margin, height - 140), text, fill=ink, font=font(20), anchor="lm")
        return screen


def _status_bar(draw: ImageDraw.ImageDraw, width: int, ink: tuple[int, int, int]) -> None:
    """Clock on the left; signal, radio waves and battery on the right: 44 pixels high."""
    draw.text((22, 24), "10:42", fill=ink, font=font(20), anchor="lm")
    for bar in range(4):
        left = width - 130 + 8 * bar
        draw.rectangle((left, 30 - 4 * bar, left + 5, 33), fill=ink)
    for reach in (5, 10, 15):
        draw.arc(
            (width - 80 - reach, 32 - reach, width - 80 + reach, 32 + reach), 225, 315, fill=ink, width=3
        )
    draw.rounded_rectangle((width - 56, 16, width - 22, 33), 4, outline=ink, width=2)
    draw.rectangle((width - 53, 19, width - 33, 30), fill=ink)
    draw.rectangle((width - 20, 21, width - 18, 28), fill=ink)


def _buttons(draw: ImageDraw.ImageDraw, width: int, height: int, ink: tuple[int, int, int]) -> None:
    """Share, heart, edit, bin as four simple signs, and the home bar under them."""
    line, row = 3, height - 70
    draw.line((0, row - 36, width, row - 36), fill=(150, 150, 150), width=1)
    for place in range(4):
        x = width * (2 * place + 1) // 8
        if place == 0:
            draw.line((x, row - 16, x, row + 8), fill=ink, width=line)
            draw.line((x - 8, row - 8, x, row - 16, x + 8, row - 8), fill=ink, width=line)
        elif place == 1:
            heart = ((0, 14), (-14, -2), (-7, -12), (0, -6), (7, -12), (14, -2))
            draw.polygon([(x + right, row + down) for right, down in heart], outline=ink, width=line)
        elif place == 2:
            draw.ellipse((x - 13, row - 13, x + 13, row + 13), outline=ink, width=line)
        else:
            draw.rectangle((x - 9, row - 8, x + 9, row + 13), outline=ink, width=line)
            draw.line((x - 13, row - 12, x + 13, row - 12), fill=ink, width=line)
    draw.rounded_rectangle((width // 2 - 70, height - 18, width // 2 + 70, height - 12), 3, fill=ink)


@dataclass(frozen=True)
class WebPage(Edit, kind="web-page"):
    """A browser window at 1120 × 840 with the photo in an article; it is `column` pixels wide."""

    column: int = 640

    @property
    @override
    def save_as(self) -> SaveAs:
        """PNG, as desktops save their screens."""
        return SaveAs("PNG")

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the whole window, the photo as large as the column and the window allow."""
        width, height = 1120, 840
        page = Image.new("RGB", (width, height), (255, 255, 255))
        draw = ImageDraw.Draw(page)
        _browser_bar(draw, width)
        draw.text(
            (60, 130), words(context.rng, 5).capitalize(), fill=(20, 20, 20), font=font(34), anchor="lm"
        )
        draw.text((60, 168), "By the editors · 3 min read", fill=(120, 120, 120), font=font(16), anchor="lm")
        shown = ImageOps.contain(image, (self.column, 480), Image.Resampling.LANCZOS)
        page.paste(shown, (60, 200))
        _paragraph(draw, (60, 200 + shown.height + 28), self.column, height)
        for box in range(3):
            top = 200 + 150 * box
            draw.rectangle((780, top, 1060, top + 90), fill=(228, 232, 238))
            draw.text((780, top + 110), "You may also like", fill=(40, 80, 160), font=font(16), anchor="lm")
        return page


def _browser_bar(draw: ImageDraw.ImageDraw, width: int) -> None:
    """Window buttons, the address and the site's own bar: 100 pixels high."""
    draw.rectangle((0, 0, width, 56), fill=(222, 225, 230))
    for place, colour in enumerate(((236, 95, 88), (245, 190, 70), (95, 195, 90))):
        draw.ellipse((18 + 24 * place, 20, 34 + 24 * place, 36), fill=colour)
    draw.rounded_rectangle((130, 12, width - 120, 44), 16, fill=(255, 255, 255))
    draw.text((152, 28), "https://www.example.org/news", fill=(70, 70, 70), font=font(17), anchor="lm")
    draw.rectangle((0, 56, width, 100), fill=(30, 58, 110))
    draw.text((60, 78), "THE DAILY EXAMPLE", fill=(255, 255, 255), font=font(24), anchor="lm")


def _paragraph(draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, bottom: int) -> None:
    """Lines of the same filler sentence from `corner` down to `bottom`."""
    sentence = "Look at this one more time and wait for it: the best day of the summer, again."
    for top in range(corner[1], bottom, 26):
        draw.text((corner[0], top), sentence[: width // 8], fill=(60, 60, 60), font=font(16), anchor="lm")
