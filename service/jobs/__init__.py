"""Jobs: their states, batches of them, and plans that answer more than one."""
