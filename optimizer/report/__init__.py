"""A plan, a comparison and a duty as sections of titles, columns, rows and notes: told once, shown by any renderer.

Loads no solver. A terminal, a page, Markdown and a notebook show what stands here and find no words of their own.
"""
