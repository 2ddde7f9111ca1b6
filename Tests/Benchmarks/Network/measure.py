#!/usr/bin/env python3
"""Echo and HTTP beside a hand-written C epoll server, Go and SwiftNIO, in one run.

usage: Tests/Benchmarks/Network/measure.py [--rounds N] [--seconds S] [--json FILE]

Servers run one thread on processor 0, the load generator on processor 1; rounds are interleaved, so
that a disturbance meets all alike. Ratios are those of the medians to C's. What is missing (a Go
compiler, the network for SwiftNIO) is said, and its rows are left out.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = HERE / ".build"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], **options)


def build():
    """Builds what can be built. Returns the servers of each kind: name -> command."""
    BUILD.mkdir(exist_ok=True)
    compiler = shutil.which("clang") or shutil.which("gcc") or sys.exit("no C compiler")
    for name in ("echo-c", "http-c", "load"):
        run(compiler, "-O2", "-o", BUILD / name, HERE / "peers" / f"{name}.c", check=True)
    for product in ("echo-server", "http-server"):
        run("swift", "build", "-c", "release", "--package-path", ROOT, "--product", product,
            check=True, stdout=subprocess.DEVNULL)
    ours = ROOT / ".build" / "release"
    echo = {"C epoll": [BUILD / "echo-c", "{port}"], "ours": [ours / "echo-server", "{port}"]}
    http = {"C epoll": [BUILD / "http-c", "{port}"],
            "ours": [ours / "http-server", "--port", "{port}", "--threads", "1"]}
    if not shutil.which("go"):
        run("apt-get", "install", "-y", "-qq", "golang-go",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if shutil.which("go"):
        for kind, servers in (("echo", echo), ("http", http)):
            run("go", "build", "-o", BUILD / f"{kind}-go", HERE / "peers" / f"{kind}.go", check=True)
            servers["Go"] = ["env", "GOMAXPROCS=1", BUILD / f"{kind}-go", "{port}"]
    else:
        print("missing: Go (no compiler, and apt-get install golang-go failed)")
    nio = run("swift", "build", "-c", "release", "--package-path", HERE / "nio",
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if nio.returncode == 0:
        for kind, servers in (("echo", echo), ("http", http)):
            servers["SwiftNIO"] = [HERE / "nio/.build/release" / f"nio-{kind}", "{port}"]
    else:
        print("missing: SwiftNIO (its package could not be fetched and built)")
    return echo, http


def reply_size(port):
    """How many bytes the answer to GET / has."""
    answer = run("curl", "-si", f"http://127.0.0.1:{port}/", capture_output=True).stdout
    return len(answer)


def measure(kind, servers, connections, options, first_port):
    processes, ports, results = [], {}, {name: [] for name in servers}
    try:
        for number, (name, command) in enumerate(servers.items()):
            port = first_port + number
            ports[name] = port
            words = [str(word).replace("{port}", str(port)) for word in command]
            processes.append(subprocess.Popen(
                ["taskset", "-c", "0", *words],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(1)
        for _ in range(options.rounds):
            for name, port in ports.items():
                request = ["64"] if kind == "echo" else ["/", reply_size(port)]
                load = run("taskset", "-c", "1", BUILD / "load", port, connections,
                           options.seconds, *request, capture_output=True, text=True)
                if load.returncode or load.stderr:
                    print(f"  {name}: {load.stderr.strip()}")
                if load.stdout:
                    results[name].append([float(word) for word in load.stdout.split()])
    finally:
        for process in processes:
            process.terminate()
    reference = statistics.median(row[0] for row in results["C epoll"])
    rows = []
    budget = 0.97 if kind == "echo" else 0.95
    for name, rounds in results.items():
        if not rounds:
            continue
        rate, median, late, longest, unevenness = (
            statistics.median(column) for column in zip(*rounds))
        ratio = rate / reference
        verdict = ""
        if name == "ours":
            verdict = "within" if ratio >= budget else "MISSES"
            verdict += f" {budget}"
        spread = f"{min(r[0] for r in rounds):,.0f}..{max(r[0] for r in rounds):,.0f}"
        print(f"{kind:4} {connections:4} {name:9} {rate:9,.0f}/s ({spread}) {ratio:5.2f} of C  "
              f"median {median:6.0f} p99 {late:6.0f} longest {longest:7.0f} us, "
              f"worst connection {unevenness:.1f}x  {verdict}")
        rows.append({
            "name": f"{kind}, {connections} connections", "unit": "round trips/s", "ours": None,
            "peer": rate, "peerName": name, "ratio": ratio})
    own = next(row for row in rows if row["peerName"] == "ours")["peer"]
    return [
        {**row, "ours": own, "ratio": own / row["peer"],
         "budget": budget if row["peerName"] == "C epoll" else None,
         "met": own / row["peer"] >= budget if row["peerName"] == "C epoll" else None}
        for row in rows if row["peerName"] != "ours"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--json")
    options = parser.parse_args()
    echo, http = build()
    rows = measure("echo", echo, 50, options, 23100)
    rows += measure("echo", echo, 500, options, 23200)
    rows += measure("http", http, 64, options, 23300)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))


main()
