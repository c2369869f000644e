"""`bench` is a package at the root of the checkout, beside `src`, and is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
