"""The rows that Benchmarks/store prints."""
import os

from store_tools import MIB, duration, median, size


class Table:
    """The rows, printed as they come and kept for the end."""

    def __init__(self):
        self.rows = []
        self.peaks = {}

    def title(self, text):
        print(f"\n{text}")

    def judge(self, name, measured, limit, demand, fine, note=""):
        """A row that is held against a demand."""
        verdict = "PASS" if fine else "short"
        self.rows.append({"row": name, "measured": measured, "limit": limit, "demand": demand, "verdict": verdict,
                          "note": note})
        print(f"  {verdict:<5}  {name:<36} {measured:>10}   {demand:<16} {limit:<34} {note}")

    def tell(self, name, measured, limit="", note=""):
        """A row that is only told."""
        self.rows.append({"row": name, "measured": measured, "limit": limit, "note": note})
        print(f"         {name:<36} {measured:>10}   {'':<16} {limit:<34} {note}")

    def share(self, name, times, limits, least, of, note=""):
        """Limit over time in each round: how much of what is possible was reached."""
        shares = [limit / time for time, limit in zip(times, limits)]
        reached = median(shares)
        limit = f"{duration(median(times))}; {of} {duration(median(limits))}"
        spread = f"{min(shares):.0%} … {max(shares):.0%}"
        note = f"{spread}; {note}" if note else spread
        if least is None:
            self.tell(name, f"{reached:.0%}", limit, note)
        else:
            self.judge(name, f"{reached:.0%}", limit, f"at least {least:.0%}", reached >= least, note)

    def ratio(self, name, times, limits, most, of, note=""):
        """Time over limit in each round."""
        ratios = [time / limit for time, limit in zip(times, limits)]
        reached = median(ratios)
        limit = f"{duration(median(times))}; {of} {duration(median(limits))}"
        spread = f"{min(ratios):.2f} … {max(ratios):.2f}"
        note = f"{spread}; {note}" if note else spread
        if most is None:
            self.tell(name, f"{reached:.2f} ×", limit, note)
        else:
            self.judge(name, f"{reached:.2f} ×", limit, f"at most {most} ×", reached <= most, note)

    def peak(self, name, measurements):
        self.peaks[name] = max(measurement["peak"] for measurement in measurements)

    def memory(self):
        """Memory of all that was measured, against what the issue allows."""
        if not self.peaks:
            return
        threads = len(os.sched_getaffinity(0))
        most = (64 + 12 * threads) * MIB
        self.title(f"peak memory; {threads} threads may have {size(most)}")
        for name, peak in self.peaks.items():
            self.judge(name, size(peak), "", f"at most {size(most)}", peak <= most)
