"""Telling addresses of jobs that have ended, by the rules of Standard Webhooks."""
