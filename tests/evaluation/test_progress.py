"""Progress without a terminal: lines of text, or silence."""

import pytest

from groove.evaluation.progress import progress_bars


@pytest.mark.parametrize(("show", "printed"), [(True, "task, rule: 4 agents\n"), (False, "")])
def test_elsewhere_than_on_a_terminal_lines_are_printed_if_wanted(show, printed, capsys):
    with progress_bars(show) as bars:
        bars.say("task, rule: 4 agents")
        bar = bars.add("agents", 4)
        bars.report(bar)(2.5)
        bars.advance(bar)
        bars.remove(bar)
    assert capsys.readouterr().out.strip("\n") == printed.strip("\n")
