"""neardup.toml: of a working folder that nobody trusts, and the user's own."""

from __future__ import annotations

import logging
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from neardup_cli.errors import BadInput
from neardup_cli.settings import HARMLESS, Settings, load_settings
from tests.fuzz.engine import Mutator, WrongAnswer

_VALUES = (
    '"x"', "1", "-1", "0.5", "true", "[]", "{}", "nan", "inf", "1e999", "2024-01-01", "07:30:00",
    '"\\u0000"', '"\\ud800"',
    '["/etc"]', '"postgresql+psycopg://evil.example/x"', '"~root/x"', "'''a\nb'''", "9" * 5000,
    "0x" + "f" * 40, '"cpu"', '"ray"',
    "{a = {b = 1}}", "[[1], [2]]", '"loose"', "288", "[" * 5000, "{a=" * 3000,
)  # fmt: skip
_LINES = (
    "[x]",
    "[[x]]",
    "a.b.c = 1",
    "# \x1b[31m",
    "=",
    '"" = 1',
    "\x00",
    "\ufeff",
    "[catalog]",
    "top_k.x = 1",
    "a" * 9000,
)


def _line(data: bytes, chance: random.Random) -> bytes:
    """Add, replace or drop a line that has a name and a value."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    name = chance.choice((*Settings.model_fields, "no_such", '"quoted key"', "é"))
    new = f"{name} = {chance.choice(_VALUES)}" if chance.random() < 0.8 else chance.choice(_LINES)
    lines[at : at + chance.choice((0, 1))] = (
        [new.encode("utf-8", "surrogatepass")] if chance.random() < 0.8 else []
    )
    return b"\n".join(lines)


class SettingsFiles:
    """See above."""

    name = "settings"
    seconds = 3.0
    inputs_a_child = 3_000

    def seeds(self) -> Sequence[bytes]:
        """Return honest files, and hostile ones."""
        return [
            b'threshold = 0.5\nhamming = 4\npreset = "strict"\ntop_k = 3\n',
            b'catalog = "postgresql+psycopg://evil.example/x"\nmodel = "/tmp/x.onnx"\nimage_dirs = ["/"]\n',
            b'engine = "ray"\nray_address = "ray://evil.example:10001"\nworkers = 100000\n',
            b'max_pixels = 1\ndevice = "cpu"\ninput_size = 320\nthorough = true\n',
            b"",
        ]

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows lines."""
        return (_line, _line, _line)

    def prepare(self) -> None:
        """Stand in a folder of our own, with a configuration folder of our own."""
        logging.disable()
        for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
            del os.environ[name]
        self._folder = Path(tempfile.mkdtemp())
        os.environ["XDG_CONFIG_HOME"] = str(self._folder / "config")
        self._own = self._folder / "config" / "neardup" / "neardup.toml"
        self._own.parent.mkdir(parents=True)
        work = self._folder / "work"
        work.mkdir()
        os.chdir(work)
        self._usual = load_settings()

    def check(self, data: bytes) -> str:
        """Load the settings twice: as whoever packed the folder wishes, and as the user does."""
        said = self._loaded(Path("neardup.toml"), data)
        if isinstance(said, Settings):
            for name in Settings.model_fields.keys() - HARMLESS:
                if getattr(said, name) != getattr(self._usual, name):
                    raise WrongAnswer(f"a folder that nobody trusts sets {name}")
        own = self._loaded(self._own, data)
        if isinstance(own, Settings):
            _ = own.catalog_location, own.worker_count
        if isinstance(own, Settings) and not isinstance(said, Settings):
            raise WrongAnswer("the same file is refused in one place and taken in the other")
        return "taken" if isinstance(said, Settings) else "refused"

    def _loaded(self, place: Path, data: bytes) -> Settings | None:
        place.write_bytes(data)
        try:
            return load_settings()
        except BadInput as exc:
            if "\n" in str(exc) and b"\n" not in data:
                raise WrongAnswer(f"more than one line: {exc}") from exc
            return None
        finally:
            place.unlink()


TARGET = SettingsFiles()
