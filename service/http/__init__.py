"""How things look over HTTP, whoever says them: problems, views of jobs, headers, CSV."""
