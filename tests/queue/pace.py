"""How far starts of requests were over a rate: what is measured where they arrive."""


def excess(times, rate, allowances=(), reach=0.0):
    """By how many the starts at `times` (sorted, seconds) exceed `rate` a second at most, in any span: what a bucket would have to
    hold for them. `allowances`: (time, how many) sorted, of what may add to it for `reach` seconds.

    For starts i ≤ j that is (j - i + 1) - rate × (t[j] - t[i]) - what was allowed from t[i] - reach to t[j].
    """
    worst, lowest, from_start, to_end = 0.0, float("inf"), _Sum(allowances), _Sum(allowances)
    for i, t in enumerate(times):
        lowest = min(lowest, i - rate * t - from_start.until(t - reach))
        worst = max(worst, i + 1 - rate * t - to_end.until(t) - lowest)
    return worst


class _Sum:
    """Of what was allowed until a time, which only grows."""

    def __init__(self, allowances):
        self.left, self.sum = list(allowances)[::-1], 0.0

    def until(self, t):
        while self.left and self.left[-1][0] <= t:
            self.sum += self.left.pop()[1]
        return self.sum


def bucket(rate):
    return max(1, rate / 10)
