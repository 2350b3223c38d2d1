"""Checking of requests: bodies are parsed, scenarios loaded and jobs prepared in processes beside the server, which
serve tenants in turns. What runs there imports neither web framework nor database."""
