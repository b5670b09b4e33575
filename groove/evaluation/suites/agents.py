"""Agents that several suites train, after table 3 of GROOVE (Jackson et al. 2023).

The table has tables under SGD at 40 on gridworlds, two layers of 64 under Adam at 5e-4 on MinAtar, and the network of
Mnih et al. (2015) under Adam at 5e-4 on Atari. The table has no classic control; the learning rate of `CLASSIC` is the
one at which A2C does best on CartPole.
"""

from groove.agents.agent import AgentConfig

TABLE = AgentConfig()
GRID_NETWORK = AgentConfig(torso="mlp", widths=(32,), optimizer="adam", learning_rate=1e-3)
MLP = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=5e-4)
CLASSIC = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=1e-3)
NATURE = AgentConfig(torso="nature", channels=(32, 64, 64), widths=(512,), optimizer="adam", learning_rate=5e-4)
