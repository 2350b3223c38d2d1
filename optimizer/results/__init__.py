"""Results of a solve: tidy tables, a summary and findings in words. A module is imported by its own name: those of
words and of specifications load no solver, the others do."""
