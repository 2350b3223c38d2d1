"""The United States data: facts, the build that turns them into tables, and the report on the base year."""
