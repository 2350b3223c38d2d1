"""From files, folders, texts and Python data to one document of raw data, and what its places mean to the schema."""
