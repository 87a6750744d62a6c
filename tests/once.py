"""What all workers of a test run need and one of them computes."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ResultT = TypeVar("ResultT")
_POLL_SECONDS = 0.1


def once(folder: Path, name: str, compute: Callable[[], ResultT]) -> ResultT:
    """The result of `compute`, which the first process that asks in this folder runs; the others wait for it.

    If it fails there, the next process tries, so that each says what is wrong.
    """
    file, lock = folder / f"{name}.pickle", folder / f"{name}.lock"
    while not file.exists():
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            time.sleep(_POLL_SECONDS)
            continue
        try:
            if not file.exists():
                draft = file.with_suffix(".draft")
                draft.write_bytes(pickle.dumps(compute()))
                draft.rename(file)
        finally:
            lock.unlink()
    return pickle.loads(file.read_bytes())
