"""The import of Altair, for users without a home too."""

import subprocess
import sys

WITHOUT_HOME = """
import os, pwd

def nobody(uid):
    raise KeyError(uid)

os.environ.pop("HOME", None)
os.environ.pop("XDG_CACHE_HOME", None)
pwd.getpwuid = nobody

from groove.pages.palette import import_altair

print(import_altair().__name__, "HOME" in os.environ)
"""


def test_altair_is_imported_without_a_home():
    done = subprocess.run([sys.executable, "-c", WITHOUT_HOME], capture_output=True, text=True)
    assert done.stdout == "altair False\n", done.stderr
