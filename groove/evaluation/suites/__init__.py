"""Suites of tasks that measure how well a rule generalises: one file and one line in `registry` per suite."""
