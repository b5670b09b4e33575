"""Is a rule any good? Held-out suites, meta-tests, stored results, statistics, comparisons, releases."""
