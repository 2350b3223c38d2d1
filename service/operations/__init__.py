"""Tools for operators: the doctor and backups."""
