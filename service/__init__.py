"""The job service, its pages and the command line."""
