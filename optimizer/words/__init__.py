"""Numbers, names and states as a planner reads them, wherever a plan is shown. Imports the vocabulary alone;
words of limits are those that the model declares."""
