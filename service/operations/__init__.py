"""What an operator runs: the doctor, backups."""
