"""The HTTP interface: routers, and what they share: bodies in, jobs submitted, documents out."""
