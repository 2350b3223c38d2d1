"""Results of a solve: from values of the model to tables, a summary and findings in words."""
