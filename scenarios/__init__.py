"""Scenarios shipped with Lodeplan, and the loader that reads them by name, file or folder."""
