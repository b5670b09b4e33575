"""Progress without a terminal: lines of text, or silence."""

import pytest

from groove.evaluation.progress import TimeLeft, progress_bars


@pytest.mark.parametrize(("show", "printed"), [(True, "task, rule: 4 agents\n"), (False, "")])
def test_elsewhere_than_on_a_terminal_lines_are_printed_if_wanted(show, printed, capsys):
    with progress_bars(show) as bars:
        bars.say("task, rule: 4 agents")
        bar = bars.add("agents", 4)
        bars.report(bar)(2.5)
        bars.advance(bar)
        bars.remove(bar)
    assert capsys.readouterr().out.strip("\n") == printed.strip("\n")


def test_the_time_left_is_that_of_the_remaining_work_at_the_speed_so_far():
    clock = iter([100.0, 130.0, 460.0])
    left = TimeLeft([1, 2, 9], lambda: next(clock))
    assert left.text(0) == "job 1 of 3"
    assert left.text(1) == "job 2 of 3, about 5 min 30 s left"  # 1 of 12 parts took 30 s
    assert left.text(2) == "job 3 of 3, about 18 min 00 s left"  # 3 of 12 parts took 360 s
    assert left.share(2, 0.5) == 7.5 / 12
