"""Tables of a plan: titles, columns and units, names they had before, and reading those that older versions wrote."""
