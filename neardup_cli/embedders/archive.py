"""The tensors of a TorchScript archive, read without running anything of it, and without PyTorch.

The archive is a ZIP file. `data.pkl` says, as a pickle, which object holds which tensor; the numbers lie in
`data/0`, `data/1` …; `code/` has the program. A pickle is a program, too, for a small machine, whose strength
is to call anything by its name. Here that machine is built anew with what PyTorch writes and no more: it
makes dictionaries, lists and numbers, calls nothing, and refuses what it does not know.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickletools import genops
from typing import Any

import numpy as np

from neardup_cli.embedders.weights import check_archive
from neardup_cli.errors import ModelInvalid

_MOST_PICKLE = 16 << 20
_MOST_NUMBERS = 1 << 30  # bytes of all tensors together: ResNeXt-101 has 170 MB
_MOST_MODULES = 10_000

_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_IDLE = frozenset({"PROTO", "FRAME"})
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_LISTS = frozenset({"build_intlist", "build_doublelist", "build_boollist", "build_tensorlist"})
_AS_THEY_ARE = frozenset({"restore_type_tag", "_rebuild_parameter"})
_TENSORS = frozenset({"_rebuild_tensor_v2", "_rebuild_tensor"})


@dataclass(slots=True)
class Module:
    """An object of the archive: what it is called there, and what it holds, in the order of its making."""

    kind: str
    holds: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Name:
    """Something that the pickle would call."""

    text: str


@dataclass(frozen=True, slots=True)
class _Stored:
    """Numbers in a file of the archive."""

    dtype: str
    key: str
    count: int


class _Refused(Exception):
    """The archive holds what a TorchScript archive does not."""


def read_module(path: Path) -> Module:
    """Read the object that a TorchScript archive holds; its tensors are arrays.

    Raises:
        ModelInvalid: it is no such archive, or holds what is not known here.
    """
    check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            reader = _Reader(archive)
            found = _Machine(reader.tensor).run(reader.read("data.pkl", _MOST_PICKLE))
    except (_Refused, OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as exc:
        raise ModelInvalid(f"{path} cannot be read as a TorchScript archive: {exc}") from exc
    if not isinstance(found, Module):
        raise ModelInvalid(f"{path} cannot be read as a TorchScript archive: it holds no network")
    return found


def modules(top: Module) -> Iterator[tuple[str, Module]]:
    """Yield all objects with their dotted names, those that were made first before the others.

    Raises:
        ModelInvalid: there are too many, as where they hold each other in a circle.
    """
    waiting, count = [("", top)], 0
    while waiting:
        name, module = waiting.pop()
        count += 1
        if count > _MOST_MODULES:
            raise ModelInvalid("the network has too many parts")
        yield name, module
        inner = [(key, one) for key, one in module.holds.items() if isinstance(one, Module)]
        waiting += [(f"{name}.{key}" if name else key, one) for key, one in reversed(inner)]


class _Reader:
    """Reads members of an archive, no more than there is and no more than is wanted."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._folder = archive.namelist()[0].partition("/")[0]
        self._left = _MOST_NUMBERS
        self._numbers: dict[str, bytes] = {}
        if f"{self._folder}/byteorder" in archive.namelist() and self.read("byteorder", 16) != b"little":
            raise _Refused("its numbers are big-endian")

    def read(self, name: str, most: int) -> bytes:
        """Return a member of at most so many bytes."""
        with self._archive.open(f"{self._folder}/{name}") as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise _Refused(f"{name} is too large")
        return data

    def tensor(self, stored: _Stored, offset: int, shape: Sequence[int], strides: Sequence[int]) -> Any:  # noqa: ANN401
        """Return a tensor as an array, which shares the numbers.

        Args:
            stored: the numbers that it is made of, or part of.
            offset: of its first number.
            shape: its sides.
            strides: from one number to the next along each side.
        """
        numbers = np.frombuffer(self._stored(stored), stored.dtype)
        if len(shape) != len(strides) or any(value < 0 for value in (offset, *shape, *strides)):
            raise _Refused("a tensor makes no sense")
        last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
        if not 0 < math.prod(shape) <= len(numbers) or last >= len(numbers):
            raise _Refused("a tensor reaches beyond its numbers")
        item = numbers.itemsize
        steps = [step * item for step in strides]
        return np.ndarray(tuple(shape), numbers.dtype, numbers, offset * item, steps)

    def _stored(self, stored: _Stored) -> bytes:
        size = stored.count * np.dtype(stored.dtype).itemsize
        if stored.key not in self._numbers:
            self._left -= size
            if stored.count < 0 or self._left < 0:
                raise _Refused("its tensors are too large")
            self._numbers[stored.key] = self.read(f"data/{stored.key}", size)
        if len(self._numbers[stored.key]) != size:
            raise _Refused(f"data/{stored.key} is not as long as it should be")
        return self._numbers[stored.key]


class _Machine:
    """Runs those of pickle's instructions that PyTorch writes (torch/csrc/jit/serialization/pickler.cpp)."""

    def __init__(self, tensor: Callable[[_Stored, int, Sequence[int], Sequence[int]], Any]) -> None:
        self._tensor = tensor
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, pickle: bytes) -> Any:  # noqa: ANN401 - whatever it holds
        """Return what a pickle holds."""
        for instruction, argument, _ in genops(pickle):
            if instruction.name == "STOP":
                break
            if instruction.name not in _IDLE:
                self._do(instruction.name, argument)
        return self._stack.pop()

    def _do(self, name: str, argument: Any) -> None:  # noqa: ANN401 - of the instruction
        push = self._stack.append
        match name:
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                push(argument)
            case _ if name in _CONSTANTS:
                push(_CONSTANTS[name])
            case _ if name in _EMPTY:
                push(_EMPTY[name]())
            case "MARK":
                self._marks.append(len(self._stack))
            case "TUPLE":
                push(tuple(self._since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(name[-1])
                self._stack[-count:] = [tuple(self._stack[-count:])]
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self._memo[argument])
            case "GLOBAL":
                push(_Name(argument))
            case "BINPERSID":
                push(_stored(self._stack.pop()))
            case _:
                self._fill(name)

    def _fill(self, name: str) -> None:
        """Do what fills an object, or makes one of another."""
        match name:
            case "APPEND":
                value = self._stack.pop()
                self._top(list).append(value)
            case "APPENDS":
                values = self._since_mark()
                self._top(list).extend(values)
            case "SETITEM":
                value, key = self._stack.pop(), self._stack.pop()
                self._top(dict)[key] = value
            case "SETITEMS":
                pairs = self._since_mark()
                self._top(dict).update(zip(pairs[::2], pairs[1::2], strict=True))
            case "NEWOBJ":
                self._stack.pop()
                self._stack[-1] = Module(self._top(_Name).text)
            case "REDUCE":
                given = self._stack.pop()
                self._stack[-1] = self._made(self._top(_Name).text, given)
            case "BUILD":
                state = self._stack.pop()
                if not isinstance(state, dict):
                    raise _Refused("an object is not made of names and values")
                self._top(Module).holds = {str(key): value for key, value in state.items()}
            case _:
                raise _Refused(f"it asks for {name}, which is not done here")

    def _top[T](self, kind: type[T]) -> T:
        found = self._stack[-1]
        if not isinstance(found, kind):
            raise _Refused("its parts do not fit together")
        return found

    def _since_mark(self) -> list[Any]:
        place = self._marks.pop()
        values = self._stack[place:]
        del self._stack[place:]
        return values

    def _made(self, text: str, given: Any) -> Any:  # noqa: ANN401 - as above
        """Return what a call of the pickle would give, of those that PyTorch writes."""
        module, _, name = text.rpartition(" ")
        if module == "torch._utils" and name in _TENSORS:
            return self._tensor(*given[:4])
        if module == "torch.jit._pickle" and name in _LISTS:
            return list(given[0])
        if module in ("torch.jit._pickle", "torch._utils") and name in _AS_THEY_ARE:
            return given[0]
        if (module, name) == ("collections", "OrderedDict"):
            return {}
        if (module, name) == ("torch", "device"):
            return None
        raise _Refused(f"it would call {text!a}, which is not done here")


def _stored(told: Any) -> _Stored:  # noqa: ANN401 - what the pickle says
    """Read what a pickle says of numbers: ("storage", type, key, device, count)."""
    what, kind, key, _, count = told
    name = kind.text.rpartition(" ")[2] if isinstance(kind, _Name) else ""
    if what != "storage" or name not in _TYPES or not (isinstance(key, str) and key.isalnum()):
        raise _Refused("it holds numbers of a kind that is not known here")
    return _Stored(_TYPES[name], key, int(count))
