"""Tasks of a Ray cluster of two nodes on one machine."""

import os
import signal
import sys
import time

import pytest

from groove.sweep.executor import LOST, Resources, make_executor, wait_for
from groove.utils.errors import ConfigError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning"),  # if an earlier test has started JAX
]


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def executor(cluster):
    executor = make_executor("ray", Resources(options={"address": cluster.address}))
    yield executor
    executor.close()


def _start(executor, log, code):
    return executor.start([sys.executable, "-c", code], "a task", log)


def _until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("nothing happens")


def test_tasks_end_with_their_exit_code_on_both_nodes(executor, tmp_path):
    code = f"import os, pathlib, time; p = pathlib.Path({str(tmp_path)!r}); (p / str(os.getpid())).touch()\n"
    code += "while len(list(p.glob('[0-9]*'))) < 2: time.sleep(0.1)\n"  # each waits for the other
    jobs = [_start(executor, tmp_path / f"log{i}", code + f"print({i}); raise SystemExit({3 * i})") for i in range(2)]
    assert [wait_for(job) for job in jobs] == [0, 3]
    assert [(tmp_path / f"log{i}").read_text() for i in range(2)] == ["0\n", "1\n"]


def test_a_task_whose_worker_is_killed_is_lost_and_leaves_nothing_running(executor, tmp_path):
    log = tmp_path / "log"
    code = (
        "import os, pathlib, time\n"
        "parent = pathlib.Path(f'/proc/{os.getppid()}/stat').read_text().split()[3]\n"
        "print(os.getpid(), parent, flush=True); time.sleep(60)"
    )
    job = _start(executor, log, code)
    _until(lambda: log.exists() and log.read_text())
    child, worker = map(int, log.read_text().split())
    os.kill(worker, signal.SIGKILL)
    assert wait_for(job) == LOST
    _until(lambda: not os.path.exists(f"/proc/{child}"))


def test_a_task_is_stopped(executor, tmp_path):
    log = tmp_path / "log"
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('saved'), sys.exit()))\n"
    job = _start(executor, log, code + "print('on', flush=True); time.sleep(60)")
    _until(lambda: log.exists() and log.read_text())
    job.stop()
    assert wait_for(job) == LOST
    assert log.read_text() == "on\nsaved\n"


def test_what_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="--executor ray takes the options address and namespace, not adress"):
        make_executor("ray", Resources(options={"adress": "auto"}))
    with pytest.raises(ConfigError, match="--executor ray: no cluster at localhost:1 "):
        make_executor("ray", Resources(options={"address": "localhost:1"}))
