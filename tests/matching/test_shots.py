"""What files say beside their pixels: two exposures, and the frames of animations."""

from datetime import datetime, timedelta

import pytest

from neardup_cli.matching.shots import are_two_exposures, frames_agree
from neardup_cli.records.holdings import Holdings

NOON = datetime(2024, 5, 1, 12)


def _taken(time: datetime = NOON, **more: object) -> Holdings:
    return Holdings(captured_at=time, **more)  # type: ignore[arg-type]


def test_an_edit_keeps_the_time_and_the_exposure() -> None:
    exposure = (("iso", "100"), ("seconds", "0.008"))
    assert not are_two_exposures(_taken(exposure=exposure), _taken(exposure=exposure, rating=5))
    assert not are_two_exposures(_taken(exposure=exposure), _taken(exposure=(("seconds", "0.00801"),)))
    assert not are_two_exposures(_taken(), Holdings()), "where nothing is written nothing is known"


@pytest.mark.parametrize("seconds", [0.1, 1, 90, 300, 86_400 * 365])
def test_another_time_is_another_shot_however_far_apart(seconds: float) -> None:
    first, second = NOON + timedelta(seconds=0.4), NOON + timedelta(seconds=0.4 + seconds)
    assert are_two_exposures(_taken(first), _taken(second))


def test_a_time_without_a_fraction_is_compared_by_the_second() -> None:
    assert not are_two_exposures(_taken(), _taken(NOON + timedelta(milliseconds=400)))


@pytest.mark.parametrize(
    ("hours", "shots"), [(1, False), (9, False), (5.5, False), (24, False), (0.5, True), (48, True)]
)
def test_a_clock_set_to_another_zone_makes_no_second_shot(hours: float, shots: bool) -> None:
    assert are_two_exposures(_taken(), _taken(NOON + timedelta(hours=hours))) is shots


def test_times_of_two_zones_are_one_moment() -> None:
    berlin, london = _taken(NOON, offset="+02:00"), _taken(NOON - timedelta(hours=1), offset="+01:00")
    assert not are_two_exposures(berlin, london)
    assert are_two_exposures(berlin, _taken(NOON, offset="+01:17"))


@pytest.mark.parametrize("name", ["seconds", "aperture", "iso", "bias", "sequence", "unique id"])
def test_another_exposure_is_another_shot(name: str) -> None:
    assert are_two_exposures(_taken(exposure=((name, "2"),)), _taken(exposure=((name, "4"),)))


def test_what_an_editor_wrote_says_nothing() -> None:
    later = NOON + timedelta(seconds=95)
    assert not are_two_exposures(_taken(), _taken(later, software="Adobe Photoshop 25.1"))
    assert are_two_exposures(_taken(), _taken(later, software="16.5.1")), "a telephone's own system"


def _views(*levels: int) -> Holdings:
    ramp = bytes(range(0, 192, 8)) * 24
    views = tuple(bytes((value + level) % 256 for value in ramp) for level in levels)
    return Holdings(frames=len(views), frame_views=views)


def test_frames_agree_place_by_place() -> None:
    assert frames_agree(_views(0, 64, 128), _views(0, 64, 128)) == 1
    assert frames_agree(_views(0, 64, 128, 192), _views(0, 128, 64, 96)) == 0.25
    assert frames_agree(_views(0, 0, 64, 64, 128, 128), _views(0, 64, 128)) == 1, (
        "every second frame left out"
    )


def test_a_still_contradicts_no_animation() -> None:
    assert frames_agree(Holdings(), _views(0, 64)) == 1
