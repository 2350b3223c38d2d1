"""A solve as the child does it, without a process of its own: for tests whose subject is not the process."""

import gzip
import tempfile
import threading
from argparse import Namespace
from pathlib import Path

from lodeplan.service.workers import child
from lodeplan.service.workers.child_messages import ChildLine, FailedLine, FinishedLine, ProgressLine
from lodeplan.service.workers.child_process import ChildEnd, HardLimits, Watch, Work


def run_child_here(_command: object, work: Work, watch: Watch, _limits: HardLimits) -> ChildEnd:
    """What `run_child` returns for the same work."""
    last: list[FinishedLine | FailedLine] = []

    def hear(line: ChildLine) -> None:
        if isinstance(line, ProgressLine):
            watch.progress(line.progress)
        else:
            last.append(line)

    with tempfile.TemporaryDirectory() as folder:
        scenario, document = Path(folder) / "scenario", Path(folder) / "document"
        scenario.write_bytes(gzip.decompress(work.scenario_gzip))
        options = work.options.model_dump_json(exclude_none=True)
        arguments = Namespace(
            scenario=scenario,
            result=document,
            kind=work.kind.name,
            options=options,
            threads=work.threads,
            memory_mib=work.memory_mib,
        )
        child.answer(arguments, hear, threading.Event())
        (end,) = last
        return ChildEnd(end, None, 0, None, document.read_bytes() if document.exists() else b"", "")
