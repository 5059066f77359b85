"""Loaded by every interpreter that has this folder on its path: what :mod:`hook` does is done in child processes, too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import hook

sys.path.pop(0)
hook.install_from_environment()
