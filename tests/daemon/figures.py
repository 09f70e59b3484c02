"""Prints what the checker and the clock say of a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from checker.findings import Kind, Report

from .scene import Scene

FINDINGS_SHOWN = 50


def print_all(scene: Scene, judged: Report) -> None:
    """Print the figures of a scene."""
    counts = judged.counts
    for finding in judged.findings[:FINDINGS_SHOWN]:
        print(finding)
    occurrences = f"{counts.occurrences:,} occurrences ({counts.required:,} had to run)"
    print(f"{occurrences}, {counts.runs:,} runs")
    kinds = Counter(finding.kind for finding in judged.findings)
    print(", ".join(f"{kinds[kind]} {kind}" for kind in Kind))
    if not judged.findings and counts.required:
        print(f"bound (95 %): fewer than {3 / counts.required:.1e} of those required")
    deciding = sorted(scene.deciding_s)
    print(f"from start to deciding: median {median(deciding):.3f} s, max {deciding[-1]:.3f} s")
    print(f"lag of starts: {spread(scene.lags())}")
    print(f"all of it is in {scene.daemon.folder}")


def spread(seconds: Sequence[float]) -> str:
    """Say how long something took, given shortest first."""
    parts = (f"p{part} {1000 * _at(seconds, part):.1f} ms" for part in (50, 99))
    return f"{len(seconds):,}: {', '.join(parts)}, max {1000 * seconds[-1]:.1f} ms"


def _at(ordered: Sequence[float], part: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]
