"""Make an empty database for tests on the PostgreSQL of this machine and print its URL; fail if none answers."""

import psycopg

SERVER = "postgresql://postgres@127.0.0.1:5432"
NAME = "lodeplan_ci"

with psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=3) as connection:
    connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    connection.execute(f"CREATE DATABASE {NAME}")
print(f"{SERVER}/{NAME}")
