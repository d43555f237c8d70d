"""`neardup` and `python` as processes that are forked from one that has imported everything already.

Two in three seconds of a short command are its imports, and a case of `shared_cases` is five processes. What
those tests are about is what comes out; that the installed command starts by itself, the others show.

Run as a program this is the server: `forking.py FOLDER` makes the two commands in a folder. Each asks it over
a socket, hands over its streams, and ends as the child has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
_SOCKET = "asked"
_USED_BY_CASES = (
    "cv2",
    "PIL.ImageDraw",
    "PIL.ImageFilter",
    "PIL.ImageFont",
    "skimage.data",
    "importlib.util",
)

# Imports as little as it can: it is started for each command.
_CLIENT = f"""#!{sys.executable} -IS
import os, sys, _socket
from socket import socket, AF_UNIX, SOCK_STREAM, send_fds
import json
here = os.path.dirname(os.path.abspath(__file__))
with socket(AF_UNIX, SOCK_STREAM) as asking:
    asking.connect(os.path.join(here, "{_SOCKET}"))
    argv = [os.path.abspath(__file__), *sys.argv[1:]]
    asked = {{"argv": argv, "env": dict(os.environ), "cwd": os.getcwd()}}
    send_fds(asking, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
    os._exit(int(asking.recv(16)))
"""


@contextmanager
def commands(folder: Path) -> Iterator[Path]:
    """Run a server; give the folder that has `neardup` and `python`."""
    path = os.pathsep.join([str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield folder
        finally:
            server.kill()


def _serve(folder: Path) -> None:
    """Answer one command after the other until the tests are over."""
    from tests.damage import import_everything

    import_everything()
    for name in _USED_BY_CASES:
        importlib.import_module(name)
    assert threading.active_count() == 1, "what has threads cannot be forked"
    for name in ("neardup", "python"):
        (folder / name).write_text(_CLIENT)
        (folder / name).chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(folder / _SOCKET))
        listening.listen()
        os.write(1, b"ready\n")
        while True:
            asking = listening.accept()[0]
            # Each has a child that waits for it: `check.py` is a command, and asks for others meanwhile.
            if os.fork() == 0:
                listening.close()
                _answer(asking)
                os._exit(0)
            asking.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _answer(asking: socket.socket) -> None:
    """Run a command as a child and say how it ended."""
    data, streams, *_ = socket.recv_fds(asking, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += asking.recv(1 << 20)
    child = os.fork()
    if child == 0:
        asking.close()
        _become(json.loads(data), streams)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    asking.sendall(str(code if code >= 0 else 128 - code).encode())


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """Run a command to its end in this process."""
    code: object = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        command, *arguments = asked["argv"]
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the child's, to its end
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        if Path(command).name == "python":
            sys.argv, sys.executable = arguments, command
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            from neardup_cli.__main__ import main

            sys.argv = [command, *arguments]
            main()
        code = 0
    except SystemExit as left:
        code = left.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
