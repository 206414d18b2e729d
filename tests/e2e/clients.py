"""Three real AWS clients behind one interface: Debian's CLI, CLI v2 from npm, and npm's SDK for JavaScript."""

import glob
import json
import re
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEBIAN_MODEL = "/usr/lib/python3/dist-packages/awscli/botocore/data/rds/2014-10-31/service-2.json"
ERROR_LINE = r"An error occurred \(([^)]+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: (.*)"
DEADLINE = 120  # seconds for one call


class ClientError(Exception):
    """What a client makes of an error reply.

    code        the error code on the wire, e.g. CertificateNotFound
    status      the HTTP status, or None where the client does not tell it
    typed_name  the class that the client's own model has for it, e.g. CertificateNotFoundFault; None for an unmodelled one
    """

    def __init__(self, code, message, status=None, typed_name=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.typed_name = typed_name


@cache
def typed_names(model):
    """{error code: exception class} of a botocore model: the mapping that botocore itself uses."""
    shapes = json.loads(Path(model).read_text())["shapes"]
    return {shape.get("error", {}).get("code", name): name for name, shape in shapes.items() if shape.get("exception")}


class CommandLine:
    """An aws command: a process a call."""

    def __init__(self, name, program, model, server):
        self.name = name
        self.program = program
        self.model = model
        self.server = server

    def version(self):
        return self._run(["--version"]).stdout.strip()

    def call(self, operation, **params):
        arguments = ["rds", operation, "--output", "json", "--cli-input-json", json.dumps(params)]
        done = self._run(["--endpoint-url", self.server.endpoint, *arguments])
        if done.returncode:
            raise self._error(done)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def wait(self, waiter, **params):
        options = [part for name, value in params.items() for part in (kebab_option(name), str(value))]
        done = self._run(["--endpoint-url", self.server.endpoint, "rds", "wait", waiter, *options], 600)
        if done.returncode:
            raise self._error(done)

    def close(self):
        pass

    def _run(self, arguments, deadline=DEADLINE):
        return subprocess.run([self.program, *arguments], env=self.server.environment(), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=deadline, check=False)

    def _error(self, done):
        found = re.search(ERROR_LINE, done.stderr, re.S)
        if not found:
            return ClientError("", f"status {done.returncode}: {done.stderr.strip()}")
        code, message = found.groups()
        status = int(code) if code.isdigit() else None  # botocore shows the status where it finds no code
        return ClientError(code, message.strip(), status, typed_names(self.model).get(code))


class JavaScript:
    """@aws-sdk/client-rds in one long-lived node process."""

    name = "sdk-javascript"

    def __init__(self, server):
        environment = server.environment()
        environment["NODE_EXTRA_CA_CERTS"] = environment["SEALWRIGHT_CA"]  # it does not know AWS_CA_BUNDLE
        self.process = subprocess.Popen(["node", str(HERE / "sdk.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment, cwd=HERE, text=True)

    def version(self):
        return "@aws-sdk/client-rds " + self._ask({"version": True})

    def call(self, operation, **params):
        reply = self._ask({"operation": operation, "params": params})
        reply.pop("$metadata", None)
        return reply

    def wait(self, waiter, **params):
        self._ask({"wait": waiter, "params": params})

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ClientError("", f"node ended with status {self.process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            error = reply["error"]
            raise ClientError(error["code"], error["message"], error["status"], error["typed"])
        return reply["result"]


def kebab_option(name):
    """DBInstanceIdentifier -> --db-instance-identifier"""
    return "--" + re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def debian_cli(server):
    return CommandLine("cli-debian", "/usr/bin/aws", DEBIAN_MODEL, server)


def cli_v2(server):
    found = glob.glob(str(HERE / "node_modules/.awscli-v2/awscli/v2/*/dist"))
    if not found:
        raise FileNotFoundError("AWS CLI v2 is not there: run `npm ci --prefix tests/e2e` (tests/run does)")
    model = f"{found[0]}/awscli/botocore/data/rds/2014-10-31/service-2.json"
    return CommandLine("cli-v2", f"{found[0]}/aws", model, server)


ALL = {"cli-debian": debian_cli, "cli-v2": cli_v2, "sdk-javascript": JavaScript}
