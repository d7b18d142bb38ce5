"""How often GitHub is asked: quick while something happens, slower while nothing does, and never beyond the budget."""

from __future__ import annotations

from dataclasses import dataclass

from dbxwizard.clients.run_types import Budget

RESERVE = 0.2  # share of the hour's requests that are left to others: people, deployments, other programs
REQUESTS = 3  # that one look at a run sends, at the most: an unchanged answer costs none


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Each look without news makes the next wait `growth` times longer, from `fastest` to `slowest`."""

    fastest: float = 2.0
    slowest: float = 15.0
    growth: float = 1.25

    def wait(self, quiet: int, budget: Budget | None, now: float) -> float:
        """Until the next look, after `quiet` looks without news.

        What is left of the budget, less the reserve, has to last until it is renewed.
        """
        wanted = min(self.fastest * self.growth ** min(quiet, 64), self.slowest)
        if budget is None or budget.resets_at <= now:
            return wanted
        looks = (budget.remaining - RESERVE * budget.limit) / REQUESTS
        left = budget.resets_at - now
        return max(wanted, left / looks) if looks >= 1 else left


REMOTE = Pace()
LOCAL = Pace(fastest=0.1, slowest=1.0)  # the sandbox is on this machine
