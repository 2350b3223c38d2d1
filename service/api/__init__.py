"""The HTTP interface: routers, and their shared parts for reading bodies, submitting jobs and sending documents."""
