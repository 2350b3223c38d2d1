"""The command `lodeplan`, as `python -m lodeplan`."""

from lodeplan.service.cli import main

if __name__ == "__main__":
    main()
