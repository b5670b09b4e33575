"""The tasks that tell how well a rule generalises, in suites, with agents and budgets for each.

Agents are those of GROOVE's table 3 (Jackson et al. 2023): tables under SGD at 40 on gridworlds, two layers of 64 under
Adam at 5e-4 on MinAtar and what is like it, the network of Mnih et al. (2015) under Adam at 5e-4 on Atari. On classic
control, which that table leaves out, Adam's rate is the one at which A2C does best on CartPole. Budgets say how long
agents live: `paper` as that table, `laptop` what two CPU cores do in minutes, `smoke` whether it runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from groove.agents.agent import AgentConfig
from groove.envs.base import EnvFamily
from groove.envs.chain import make_chain
from groove.envs.external.atari import ATARI_57, MAX_FRAMES, SMALL, make_atari
from groove.envs.external.gymnax import make_gymnax
from groove.envs.external.host import HostEnv
from groove.envs.external.jaxtari import make_jaxtari, require_jaxtari
from groove.envs.external.jumanji import make_jumanji
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.envs.gridworld.mazes import make_mazes
from groove.envs.gridworld.named import HANDCRAFTED, RANDOM_GRIDS, make_level, make_named_family, named_sizes
from groove.types import Key, PyTree
from groove.utils.errors import ConfigError, nearest

BUDGETS = ("smoke", "laptop", "paper")

TABLE = AgentConfig()
TABLE_PPO = AgentConfig(learning_rate=3.0)  # PPO takes many steps a rollout, and therefore smaller ones
GRID_NETWORK = AgentConfig(torso="mlp", widths=(32,), optimizer="adam", learning_rate=1e-3)
MLP = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=5e-4)
CLASSIC = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=1e-3)
NATURE = AgentConfig(torso="nature", channels=(32, 64, 64), widths=(512,), optimizer="adam", learning_rate=5e-4)


@dataclass(frozen=True)
class Budget:
    """How much is spent on one task under one rule.

    Attributes:
      updates: L, the lifetime of an agent.
      workers: W.
      levels: of the task, each with agents of its own.
      episodes: evaluation episodes of an agent at each point of its curve.
      points: of the learning curve, evenly spread over the lifetime.
      steps: T, environment steps of a rollout.
      max_frames: of an episode, where environments are stepped on the host.
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
        """Agent updates at which agents are judged; the last is their lifetime."""
        points = min(self.points, self.updates)
        return tuple(self.updates * (i + 1) // points for i in range(points))

    @property
    def rollout(self) -> int:
        """Environment steps of one update."""
        return self.workers * self.steps


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
      suite, name: what it is called by, suite/name.
      make: builds the environment; None where it is stepped on the host.
      agent: what learned rules and A2C train.
      ppo_agent: what PPO trains.
      budgets: by name.
      batch: agents that live side by side.
      sample: key -> level; by default the environment's own `sample_level`.
      family: tasks of one family have one environment and differ in their levels only, so that they share programs.
      make_host: (workers, seed, max_frames) -> environments that are stepped on the host.
    """

    suite: str
    name: str
    make: Callable[[], EnvFamily] | None
    agent: AgentConfig
    budgets: Mapping[str, Budget]
    ppo_agent: AgentConfig | None = None
    batch: int = 64
    sample: Callable[[Key], PyTree] | None = None
    family: str = ""
    make_host: Callable[[int, int, int], HostEnv] | None = None

    @property
    def path(self) -> str:
        """suite/name."""
        return f"{self.suite}/{self.name}"

    @property
    def program(self) -> str:
        """What tasks that share programs have in common."""
        return f"{self.suite}/{self.family or self.name}"

    def agent_for(self, rule: str) -> AgentConfig:
        """What the rule of this name trains."""
        return self.ppo_agent if rule == "ppo" and self.ppo_agent else self.agent


@dataclass(frozen=True)
class Suite:
    """Tasks that are reported together.

    Attributes:
      about: a line for --list.
      tasks: by name.
      extra: of the package, which it needs; empty if none.
      optional: tasks that are run only when asked for by name.
      require: raises a ValueError where something is missing that its extra does not bring.
    """

    about: str
    tasks: Mapping[str, Task]
    extra: str = ""
    optional: Mapping[str, Task] = field(default_factory=dict)
    require: Callable[[], None] = lambda: None


def find_tasks(names: list[str]) -> list[Task]:
    """The tasks of suites, "minatar", and single ones, "minatar/Breakout"; each once, in order.

    Raises:
      ValueError: on an unknown name, naming the nearest.
    """
    found: dict[str, Task] = {}
    for name in names:
        suite, single, task = name.partition("/")
        if suite not in SUITES:
            raise ConfigError(f'unknown suite "{suite}"{nearest(suite, SUITES)}; there are {", ".join(SUITES)}.')
        tasks = {**SUITES[suite].tasks, **(SUITES[suite].optional if single else {})}
        if single and task not in tasks:
            raise ConfigError(f'{suite} has no task "{task}"{nearest(task, tasks)}; it has {", ".join(tasks)}.')
        found |= {t.path: t for t in ([tasks[task]] if single else tasks.values())}
    if not found:
        raise ConfigError("no suite was given; write for instance --suite minatar.")
    return list(found.values())


def _budgets(smoke: Budget, laptop: Budget, paper: Budget) -> Mapping[str, Budget]:
    return dict(zip(BUDGETS, (smoke, laptop, paper), strict=True))


def _random_levels() -> EnvFamily:
    return make_gridworld(GridSizes(), LevelDistribution())


_SMOKE = Budget(4, workers=4, episodes=2, points=2, steps=5)


def _gridworlds() -> Mapping[str, Task]:
    many = _budgets(
        Budget(4, workers=4, levels=4, episodes=2, points=2, steps=5),
        Budget(250, workers=16, levels=256, points=5),
        Budget(2500, levels=256, episodes=64),
    )
    mazes = _budgets(many["smoke"], Budget(250, workers=16, levels=64, points=5), many["paper"])
    named = _budgets(_SMOKE, Budget(500, workers=16, levels=4), Budget(2500, levels=16))
    planes = _budgets(_SMOKE, Budget(1500, workers=16, levels=1), Budget(25_000, levels=1))
    tasks = [
        Task("gridworld", "random", _random_levels, TABLE, many, TABLE_PPO),
        Task("gridworld", "mazes", make_mazes, TABLE, mazes, TABLE_PPO),
        *_named(HANDCRAFTED, TABLE, named, TABLE_PPO),
        *_named(RANDOM_GRIDS, GRID_NETWORK, planes, None),
    ]
    return {task.name: task for task in tasks}


def _named(
    names: Iterable[str], agent: AgentConfig, budgets: Mapping[str, Budget], ppo_agent: AgentConfig | None
) -> Iterator[Task]:
    """LPG's levels of one kind: an environment that holds them all, and a task for each."""
    names = tuple(names)
    sizes = named_sizes(names)
    for name in names:
        sample = partial(_draw_named, name, sizes)
        make = partial(make_named_family, names)
        yield Task("gridworld", name, make, agent, budgets, ppo_agent, sample=sample, family=names[0])


def _draw_named(name: str, sizes: GridSizes, key: Key) -> GridLevel:
    return make_level(name, key, sizes)


def _development() -> Mapping[str, Task]:
    """What rules may be chosen by: levels as meta-training draws them, under agents that it may not know."""
    few = {"workers": 16, "levels": 64}
    short = _budgets(_SMOKE, Budget(250, points=5, **few), Budget(2500, levels=256, episodes=64))
    long = _budgets(_SMOKE, Budget(1000, points=5, **few), Budget(10_000, levels=256, episodes=64))
    # as many steps an update, in pieces so short that only predictions tell what comes after
    pieces = {name: replace(budget, steps=5, workers=4 * budget.workers) for name, budget in long.items()}
    paying = LevelDistribution(step_reward_share=1.0)

    def networks(distribution: LevelDistribution) -> Callable[[], EnvFamily]:
        return partial(make_gridworld, GridSizes(), distribution, "features")

    tasks = [
        Task("development", "tables", _random_levels, TABLE, short, TABLE_PPO),
        Task("development", "networks", networks(LevelDistribution()), CLASSIC, long),
        Task("development", "paying_steps", networks(paying), CLASSIC, long),
        Task("development", "short_rollouts", networks(LevelDistribution()), CLASSIC, pieces),
    ]
    return {task.name: task for task in tasks}


def _chains() -> Mapping[str, Task]:
    budgets = _budgets(_SMOKE, Budget(250, workers=16, levels=16, points=5), Budget(2500, levels=64))
    tabular = Task("chain", "tabular", partial(make_chain, "tabular"), TABLE, budgets, TABLE_PPO)
    distractor = Task("chain", "distractor", partial(make_chain, "distractor"), GRID_NETWORK, budgets)
    return {task.name: task for task in (tabular, distractor)}


def _gymnax(
    suite: str, games: Mapping[str, str], laptop: Mapping[str, int], paper: int, agent: AgentConfig = MLP
) -> Mapping[str, Task]:
    """Tasks of gymnax: {name: as gymnax calls it}; laptop lifetimes by name, "" for the others'."""
    return {
        name: Task(
            suite,
            name,
            partial(make_gymnax, game),
            agent,
            _budgets(_SMOKE, Budget(laptop.get(name, laptop[""])), Budget(paper)),
            batch=8,
        )
        for name, game in games.items()
    }


def _arcade() -> Mapping[str, Task]:
    budgets = _budgets(_SMOKE, Budget(400, workers=32), Budget(100_000))
    games = {"PacMan": "PacMan-v1", "Snake": "Snake-v1", "Tetris": "Tetris-v0"}
    return {
        name: Task("arcade", name, partial(make_jumanji, game), MLP, budgets, batch=8) for name, game in games.items()
    }


def _jaxtari(games: tuple[str, ...]) -> Mapping[str, Task]:
    budgets = _budgets(_SMOKE, Budget(400, workers=32), Budget(100_000))
    minutes = partial(make_jaxtari, max_frames=18_000)  # five, as Mnih et al. (2015) judged by: agents may stall
    return {game: Task("jaxtari", game, partial(minutes, game), MLP, budgets, batch=8) for game in games}


def _atari(games: tuple[str, ...]) -> Mapping[str, Task]:
    budgets = _budgets(
        Budget(2, workers=2, episodes=2, points=1, steps=5, max_frames=400),
        Budget(300, workers=16, episodes=4, points=3),
        Budget(100_000, workers=64),
    )

    def task(game: str) -> Task:
        def make(workers: int, seed: int, max_frames: int) -> HostEnv:
            return make_atari(game, workers, seed, max_frames=max_frames)

        return Task("atari", game, None, NATURE, budgets, make_host=make)

    return {game: task(game) for game in games}


SUITES: Mapping[str, Suite] = {
    "development": Suite(
        "random gridworlds to choose rules by: tables, networks, paying steps, short rollouts; to tune on nothing else",
        _development(),
    ),
    "gridworld": Suite("unseen random levels, mazes, LPG's five tabular levels and five random grids", _gridworlds()),
    "chain": Suite("LPG's delayed chains, tabular and among distractors", _chains()),
    "classic": Suite(
        "classic control",
        _gymnax(
            "classic",
            {"CartPole": "CartPole-v1", "Acrobot": "Acrobot-v1", "MountainCar": "MountainCar-v0"},
            {"": 2500},
            10_000,
            CLASSIC,
        ),
    ),
    "bsuite": Suite(
        "small tasks that ask for one ability each (Osband et al. 2020)",
        _gymnax(
            "bsuite",
            {"Catch": "Catch-bsuite", "DeepSea": "DeepSea-bsuite", "DiscountingChain": "DiscountingChain-bsuite"},
            {"": 400},
            2500,
        ),
    ),
    "minatar": Suite(
        "the five games of MinAtar (Young and Tian 2019)",
        _gymnax(
            "minatar",
            {name: f"{name}-MinAtar" for name in ("Asterix", "Breakout", "Freeway", "SpaceInvaders", "Seaquest")},
            {"": 800, "Seaquest": 100},
            100_000,
        ),
    ),
    "arcade": Suite("like Atari, in JAX: jumanji's PacMan, Snake and Tetris", _arcade(), extra="arcade"),
    "jaxtari": Suite(
        "Atari in JAX, object by object (jaxtari); its sprites are yours to install",
        _jaxtari(("pong", "freeway", "tennis", "breakout")),
        extra="jaxtari",
        require=require_jaxtari,
    ),
    "atari": Suite(
        "real Atari games; any of the 57 by name",
        _atari(SMALL),
        extra="atari",
        optional=_atari(tuple(game for game in ATARI_57 if game not in SMALL)),
    ),
}
