"""Starts counterparts of AWS's services on this machine, so that examples/aws/config.yaml can be tried without an account.

    .venv/bin/python examples/aws/local/counterparts.py [--port FIRST | --ports BEDROCK,S3,SECRETS,SEARCH]

Four servers listen on 127.0.0.1, from port FIRST (default: 9401) on, or at the four ports that are named: Bedrock's runtime (an imitation
that checks signatures and repeats what it is told), S3 (SeaweedFS), Secrets Manager, STS and DynamoDB (moto), OpenSearch (an imitation).
The bucket `millrace-files` and the secret `millrace/opensearch` are made. "ready" is printed when all of them answer; they end with this
program: by Ctrl-C, or when its standard input ends, if that is a pipe.

The access key is AKIATEST with the secret sekrit. It needs the Python environment that `.ci/setup --test` makes.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVERS = ROOT / "Tests" / "MillraceCounterparts" / "Servers"
PROGRAMS = pathlib.Path(sys.executable).parent
ACCESS_KEY, SECRET_KEY, REGION = "AKIATEST", "sekrit", "us-east-1"
PASSWORD = "mill-stream"


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(reason, log):
    sys.exit(f"{reason}\n{log.read_text()[-2000:]}")


def wait(port, process, log, seconds=60):
    deadline = time.monotonic() + seconds
    while not listens(port):
        if process.poll() is not None:
            stop(f"{process.args[0]} has ended with status {process.returncode}", log)
        if time.monotonic() > deadline:
            stop(f"nothing listens on port {port} after {seconds} s", log)
        time.sleep(0.05)


def free_ports(count):
    """Ports for what nobody asks from outside."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def client(service, port):
    return boto3.client(
        service, endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))


def start(ports, directory):
    bedrock, s3, moto, search = ports
    identities = {"identities": [{
        "name": "millrace", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
    (directory / "s3.json").write_text(json.dumps(identities))
    (directory / "weed").mkdir()
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = free_ports(7)
    commands = {
        bedrock: [sys.executable, str(SERVERS / "bedrock_server.py"), "--port", str(bedrock), "--key", f"{ACCESS_KEY}:{SECRET_KEY}"],
        s3: [
            str(PROGRAMS / "weed"), "-logtostderr=true", "server", f"-dir={directory / 'weed'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-master.port={master}", f"-master.port.grpc={master_grpc}", f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}",
            "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}", "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={directory / 's3.json'}", "-s3.iam=false", "-volume.max=20",
            "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false", "-master.telemetry=false", "-volume.preStopSeconds=0"],
        moto: [str(PROGRAMS / "moto_server"), "-H", "127.0.0.1", "-p", str(moto)],
        search: [
            sys.executable, str(SERVERS / "opensearch_server.py"), "--port", str(search), "--auth", "basic", "--user", "millrace",
            "--password", PASSWORD],
    }
    processes = []
    log = open(directory / "log", "w")
    for port, command in commands.items():
        if listens(port):
            sys.exit(f"port {port} is taken: choose others with --port or --ports")
        # Also with this program when it is killed, and so cannot end them.
        processes.append(
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True))
    return processes, commands


def prepare(ports, log):
    s3, secrets = client("s3", ports[1]), client("secretsmanager", ports[2])
    # The S3 port listens before the store behind it is ready.
    attempts = 100
    while True:
        try:
            s3.create_bucket(Bucket="millrace-files")
            break
        except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            break
        except Exception as error:
            attempts -= 1
            if attempts == 0:
                stop(f"S3 is not ready: {error}", log)
            time.sleep(0.2)
    while True:
        try:
            s3.put_object(Bucket="millrace-files", Key="probe", Body=b"x")
            s3.delete_object(Bucket="millrace-files", Key="probe")
            break
        except Exception as error:
            attempts -= 1
            if attempts == 0:
                stop(f"S3 cannot store objects: {error}", log)
            time.sleep(0.2)
    secrets.create_secret(Name="millrace/opensearch", SecretString=json.dumps({"user": "millrace", "password": PASSWORD}))


def four_ports(text):
    ports = [int(word) for word in text.split(",")]
    if len(set(ports)) != 4:
        raise argparse.ArgumentTypeError("four different ports are needed")
    return ports


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--port", type=int, default=9401, metavar="FIRST")
    chosen.add_argument("--ports", type=four_ports, metavar="BEDROCK,S3,SECRETS,SEARCH")
    arguments = parser.parse_args()
    ports = arguments.ports or list(range(arguments.port, arguments.port + 4))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="millrace-counterparts-") as name:
        processes, commands = start(ports, pathlib.Path(name))
        log = pathlib.Path(name) / "log"
        try:
            for process, port in zip(processes, commands):
                wait(port, process, log)
            prepare(ports, log)
            print("ready", flush=True)
            if stat.S_ISFIFO(os.fstat(0).st_mode):
                sys.stdin.read()
            else:
                signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            for process in processes:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()


main()
