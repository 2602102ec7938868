"""What the disk takes to make something durable."""

import os
import statistics
import tempfile
import time
from pathlib import Path

WRITES = 200


def fdatasync_p50(folder: Path | None = None) -> float:
    """Measure the median of fdatasync after writing 4 KiB, in milliseconds."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(WRITES):
            os.write(file.fileno(), b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
