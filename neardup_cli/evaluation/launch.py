"""Run a program, end it when its time is up, and write down what it cost. A process of its own, kept small.

    python -I -S launch.py SECONDS FOLDER PROGRAM [ARGUMENT...]

FOLDER gets `stdout`, `stderr` and `measured.json`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time


def main() -> None:
    """Run the program; it and all that it starts are a group, which ends together."""
    timeout, folder, *command = sys.argv[1:]
    with open(os.path.join(folder, "stdout"), "wb") as out, open(os.path.join(folder, "stderr"), "wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, start_new_session=True
        )
        try:
            process.wait(float(timeout))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            sys.exit(130)
        seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = {
        "code": process.returncode,
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024),
    }
    with open(os.path.join(folder, "measured.json"), "w", encoding="ascii") as stream:
        json.dump(measured, stream)


if __name__ == "__main__":
    main()
