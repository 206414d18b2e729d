"""A database host that is none: speaks the agents' protocol (src/agent/protocol.h) to get certificates, without an engine."""

import base64
import http.client
import json
import socket
import ssl
import subprocess

SERVER_NAME = "agent.sealwright.internal"
KEYS = {"rds-ca-2019": ("RSA", "rsa_keygen_bits:2048"), "rds-ca-rsa2048-g1": ("RSA", "rsa_keygen_bits:2048"),
        "rds-ca-rsa4096-g1": ("RSA", "rsa_keygen_bits:4096"), "rds-ca-ecc384-g1": ("EC", "ec_paramgen_curve:P-384")}


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60).stdout


class Host:
    """Enrols with the token of the run folder; the caller's server has no agent of its own."""

    def __init__(self, sealwright, folder, name="a-host"):
        self.port, self.ca_file, self.folder = sealwright.port, sealwright.ca_file, folder
        self.context = ssl.create_default_context(cafile=self.ca_file)
        self.keys = {}
        self.server_name = "localhost"  # for SERVER_NAME a certificate is asked for, which is got only now
        token = (sealwright.run_dir / "agent" / "token").read_text().strip()
        key = self.key("rds-ca-ecc384-g1")
        certificate = folder / "host.pem"
        answer = self.call("POST", "enroll", {"token": token, "host": name, "request": self.request(key, [name])})
        certificate.write_text(answer["certificate"])
        self.context.load_cert_chain(certificate, key)
        self.server_name = SERVER_NAME

    def call(self, method, path, body=None):
        plain = socket.create_connection(("localhost", self.port), 60)
        connection = http.client.HTTPSConnection("localhost", self.port)
        connection.sock = self.context.wrap_socket(plain, server_hostname=self.server_name)
        try:
            connection.request(method, f"/agent/v1/{path}", json.dumps(body) if body is not None else None)
            reply = connection.getresponse()
            answer = json.loads(reply.read() or b"{}")
            assert reply.status == 200, f"{path}: {reply.status} {answer}"
            return answer
        finally:
            connection.close()

    def key(self, authority):
        """One key for each kind: making keys is not what is tested."""
        kind = KEYS[authority]
        if kind not in self.keys:
            path = self.folder / f"{kind[1].replace(':', '-')}.key"
            openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", path)
            self.keys[kind] = path
        return self.keys[kind]

    def request(self, key, names):
        """A certificate request for these names, DER in base64."""
        names_text = ",".join(f"DNS:{name}" for name in names)
        der = openssl("req", "-new", "-key", key, "-subj", f"/CN={names[0][:64]}", "-addext", f"subjectAltName={names_text}",
                      "-outform", "DER")
        return base64.b64encode(der).decode()

    def register(self, version="15.0"):
        self.call("POST", "host", {"engines": [{"engine": "postgres", "version": version}]})

    def desired(self):
        return self.call("GET", "desired?revision=-1&wait=0")["instances"]

    def certificates(self, requests):
        """{resource_id: reply} of [(desired instance, names)]."""
        replies = {}
        for start in range(0, len(requests), 50):
            asked = [{"resource_id": each["resource_id"], "certificate_generation": each["certificate_generation"],
                      "request": self.request(self.key(each["ca_identifier"]), names)}
                     for each, names in requests[start:start + 50]]
            for reply in self.call("POST", "certificates", {"requests": asked})["replies"]:
                replies[reply["resource_id"]] = reply
        return replies
