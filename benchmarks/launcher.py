"""Run a command and write how much time and memory it took: `launcher.py FILE COMMAND...`

A process of its own, and a small one: the memory of whoever starts a program counts as the program's. Python
keeps compiled modules, as pip does when it installs: a checkout should not be compiled anew in every run.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run it to its end; the exit code is the command's."""
    file, *command = sys.argv[1:]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, environment)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.perf_counter() - start
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    with open(file, "w", encoding="utf-8") as measured:  # noqa: PTH123 (pathlib is slow to import)
        json.dump(
            {
                "wall_s": wall_s,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * unit_bytes,
            },
            measured,
        )
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
