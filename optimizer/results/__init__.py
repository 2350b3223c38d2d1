"""What a solve answers: tidy tables, a summary, findings in words. A module is imported by its own name: those of words
and of specifications load no solver, the others do."""
