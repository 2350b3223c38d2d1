"""Questions about scenarios and plans, each answered by a module of its own; none loads the solver."""
