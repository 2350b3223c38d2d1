"""Webhooks: notifications about ended jobs, following Standard Webhooks."""
