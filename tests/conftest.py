"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# A deadline in wall-clock time fails where the machine is busy, and says nothing of the code;
# speed is measured in scripts/bench.
settings.register_profile("linod", deadline=None, print_blob=True)
settings.load_profile("linod")
