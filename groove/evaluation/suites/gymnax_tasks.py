"""Tasks on games of gymnax, for the suites `classic`, `bsuite` and `minatar`."""

from collections.abc import Iterator, Mapping
from functools import partial

from groove.agents.agent import AgentConfig
from groove.envs.external.gymnax import make_gymnax
from groove.evaluation.suites.base import SMOKE, Budget, Task, budgets


def gymnax_tasks(
    suite: str,
    games: Mapping[str, str],
    agent: AgentConfig,
    *,
    laptop: int,
    paper: int,
    laptop_exceptions: Mapping[str, int] | None = None,
) -> Iterator[Task]:
    """Build one task for each game.

    Args:
      suite: name of the suite.
      games: task name -> gymnax's name of the game.
      agent: the agent configuration.
      laptop: lifetime at the budget `laptop`, in agent updates.
      paper: lifetime at the budget `paper`, in agent updates.
      laptop_exceptions: task name -> another lifetime at the budget `laptop`.
    """
    for name, game in games.items():
        lifetime = (laptop_exceptions or {}).get(name, laptop)
        spent = budgets(SMOKE, Budget(lifetime), Budget(paper))
        yield Task(suite, name, partial(make_gymnax, game), agent, spent, batch=8)
