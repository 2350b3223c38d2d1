"""Representations shared by the API and the pages: problems, views of jobs, headers, CSV."""
