"""Run folders whose authorities are made, to be copied: RSA-4096 keys take seconds, and only tests of their making need new
ones. All workers of a run of tests share them."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = "SEALWRIGHT_TEMPLATES"  # in the environment, by which the workers know it


def begin():
    """In the process that starts the workers, if there are any."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="sw-templates-")


def end():
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def template(regions, make):
    """The run folder to copy for these regions. `make(target)` makes it, once."""
    made = Path(os.environ[FOLDER], "+".join(regions))
    with open(f"{made}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(made)
    return made
