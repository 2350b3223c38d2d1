"""Certificates: what proves a plan and a bound, for whoever trusts neither the solver nor this program."""
