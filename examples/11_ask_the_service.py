"""Submit a scenario to the service over HTTP, wait for the job, and read a table of its result.

`lodeplan serve --port 0` takes a free port, and prints the address. With the `ETag` of the last
answer in `If-None-Match`, the next answer waits until the job has changed; 304 means that it has not.
"""

import os
import signal
import subprocess
import sysconfig
import tempfile

import httpx

command = [f"{sysconfig.get_path('scripts')}/lodeplan", "serve", "--port", "0"]
with tempfile.TemporaryDirectory() as data:
    settings = {**os.environ, "LODEPLAN_DATA_DIR": data, "LODEPLAN_DATABASE_URL": ""}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=settings)
    try:
        address = server.stdout.readline().strip()
        with httpx.Client(base_url=f"{address}api/v1", timeout=30) as api:
            job = api.post("/jobs", json={"kind": "solve", "scenario": "golden-toy"}).raise_for_status().json()
            path, seen = f"/jobs/{job['id']}", {}
            for _ in range(6):  # Two minutes at most.
                answer = api.get(path, params={"wait": 20}, headers=seen)
                if answer.status_code != 304:
                    job, seen = answer.raise_for_status().json(), {"If-None-Match": answer.headers["ETag"]}
                if job["state"] not in ("queued", "running"):
                    break
            print(f"the job has {job['state']}")
            table = api.get(f"{path}/result/tables/cost_terms.json").raise_for_status().json()
            for term, expected_kusd, *_ in table["rows"]:
                print(f"{term:16s} {expected_kusd:8,.1f} kUSD")
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)

# Output:
# the job has succeeded
# production        3,861.5 kUSD
# freight             359.6 kUSD
# duty                899.0 kUSD
# holding              52.2 kUSD
# shortage_penalty      0.0 kUSD
