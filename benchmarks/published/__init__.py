"""Published instances of problems that this model contains, each as a scenario, to hold its optima against theirs."""
