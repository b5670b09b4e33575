"""The interface of a suite: its tasks, the agents that they train, and the cost of each budget."""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from groove.agents.agent import AgentConfig
from groove.envs.base import EnvFamily
from groove.envs.external.atari import MAX_FRAMES
from groove.envs.external.host import HostEnv
from groove.types import Key, PyTree
from groove.utils.errors import missing_extra

BUDGETS = ("smoke", "short", "laptop", "long", "paper")
SHORT = 250  # lifetime at the budget `short`, in agent updates
LONG = 10  # lifetime at the budget `long`, in lifetimes at the budget `laptop`


@dataclass(frozen=True)
class Budget:
    """The cost of testing one rule on one task.

    Attributes:
      updates: L, lifetime of an agent in agent updates.
      workers: W, environments of an agent.
      levels: levels of the task; each has its own agents.
      episodes: evaluation episodes of an agent at each point of its learning curve.
      points: points of the learning curve, evenly spread over the lifetime.
      steps: T, environment steps of a rollout.
      max_frames: longest episode in frames, for environments that are stepped on the host.
    """

    updates: int
    workers: int = 64
    levels: int = 1
    episodes: int = 16
    points: int = 10
    steps: int = 20
    max_frames: int = MAX_FRAMES

    @property
    def at(self) -> tuple[int, ...]:
        """Agent updates after which agents are evaluated; the last is the lifetime."""
        points = min(self.points, self.updates)
        return tuple(self.updates * (i + 1) // points for i in range(points))

    @property
    def rollout(self) -> int:
        """Environment steps per agent update."""
        return self.workers * self.steps


SMOKE = Budget(4, workers=4, episodes=2, points=2, steps=5)


def budgets(smoke: Budget, laptop: Budget, paper: Budget) -> Mapping[str, Budget]:
    """Return the budgets of a task by name.

    Args:
      smoke: does it run; seconds.
      laptop: minutes on two CPU cores. The budget `long` is the same with ten times its lifetime, or with the lifetime
        of `paper` if that is shorter. The budget `short` has one level, 8 workers and 250 updates on every task, for
        rules that take long for an update: 40,000 environment steps in rollouts of 20.
      paper: the lifetimes of the paper.
    """
    short = replace(laptop, updates=SHORT, workers=8, levels=1, points=5)
    long = replace(laptop, updates=max(laptop.updates, min(LONG * laptop.updates, paper.updates)))
    return dict(zip(BUDGETS, (smoke, short, laptop, long, paper), strict=True))


@dataclass(frozen=True)
class Task:
    """An environment, the agents that learn in it, and the budgets.

    Attributes:
      suite: name of the suite.
      name: name within the suite.
      make: builds the environment; None if the environment is stepped on the host.
      agent: the agent configuration; rules adapt it by `UpdateRule.adapt_agent`.
      budgets: budget name -> budget.
      batch: agents trained side by side.
      sample: key -> level; None for the environment's own `sample_level`.
      family: name shared by tasks that have one environment and differ in their levels only. Such tasks share compiled
        programs. Empty if the task has an environment of its own.
      make_host: (workers, seed, max_frames) -> environments that are stepped on the host.
    """

    suite: str
    name: str
    make: Callable[[], EnvFamily] | None
    agent: AgentConfig
    budgets: Mapping[str, Budget]
    batch: int = 64
    sample: Callable[[Key], PyTree] | None = None
    family: str = ""
    make_host: Callable[[int, int, int], HostEnv] | None = None

    @property
    def path(self) -> str:
        """The full name, SUITE/NAME."""
        return f"{self.suite}/{self.name}"

    @property
    def program(self) -> str:
        """The name shared by tasks that share compiled programs."""
        return f"{self.suite}/{self.family or self.name}"


def by_name(tasks: Iterable[Task]) -> Mapping[str, Task]:
    """Return tasks as a mapping from their names."""
    return {task.name: task for task in tasks}


@dataclass(frozen=True)
class Suite:
    """Tasks that are reported together.

    Attributes:
      about: one line for `--list`.
      tasks: name -> task.
      extra: the extra of this project that the suite needs; empty if none.
      module: the module that the extra installs, by its import name.
      optional: tasks that are tested only if they are asked for by name.
      require: raises GrooveError if the suite needs something that its extra does not install. May start the backend.
    """

    about: str
    tasks: Mapping[str, Task]
    extra: str = ""
    module: str = ""
    optional: Mapping[str, Task] = field(default_factory=dict)
    require: Callable[[], None] = lambda: None

    def require_extra(self) -> None:
        """Check, without importing anything, that the extra is installed.

        Raises:
          GrooveError: if the extra is missing, with the command that installs it.
        """
        if self.extra and importlib.util.find_spec(self.module) is None:
            raise missing_extra(self.module, self.extra)
