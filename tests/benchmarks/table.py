"""One figure, and how it is shown."""

from dataclasses import dataclass

HEAD = (
    f"{'figure':<66}{'measured':>12} {'unit':<13}{'baseline':>11}{'ratio':>8}  {'aim':<26}{'':<8}{'fdatasync p50':>14}"
)
LEGEND = """
baseline       a bare aiohttp handler on uvloop that only parses the JSON, under the same load, unless the figure says
               otherwise; ratio is measured / baseline
fdatasync p50  median of 200 times 4 KiB, on the disk that the store is on, just before the figure
aim            what we want; `met` or `missed` says how this run stands to it, and fails nothing. Two cores carry the
               server, the load and the database together: compare ratios, not absolute figures
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One figure.

    `baseline` is of the same run, None where there is nothing to compare with; `disk` is in milliseconds. `met` is None
    where there is no aim, or where it does not count.
    """

    what: str
    figure: float
    unit: str
    disk: float
    baseline: float | None = None
    aim: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float:
        """The figure over its baseline; 0 without one."""
        return self.figure / self.baseline if self.baseline else 0.0

    def __str__(self) -> str:
        """Show as one line."""
        bare = _short(self.baseline) if self.baseline is not None else "-"
        ratio = f"{self.ratio:.2f}" if self.baseline else "-"
        verdict = {None: "", True: "met", False: "missed"}[self.met]
        left = f"{self.what:<66}{_short(self.figure):>12} {self.unit:<13}{bare:>11}{ratio:>8}"
        return f"{left}  {self.aim:<26}{verdict:<8}{self.disk:>11.2f} ms"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
