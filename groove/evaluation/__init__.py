"""The quality of rules: held-out suites, meta-tests, stored results, statistics, comparisons and releases."""
