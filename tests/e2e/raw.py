"""SigV4 requests built by hand, so that any part of them can be made wrong.

    sender = Raw("https://localhost:8443", "/path/ca.pem", key_id, secret)
    reply = sender.call("DescribeCertificates", {"MaxRecords": "20"})              # a good one
    reply = sender.call("DescribeCertificates", when=yesterday)                    # each keyword bends one part
"""

import datetime
import hashlib
import hmac
import http.client
import re
import ssl
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

VERSION = "2014-10-31"


@dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def element(self, name):
        found = re.search(rf"<{name}>(.*?)</{name}>", self.text, re.S)
        return found.group(1) if found else None

    @property
    def code(self):
        return self.element("Code")

    @property
    def message(self):
        return self.element("Message")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def encode(text):
    return quote(text, safe="-_.~")


def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = mac(key, part)
    return key


def canonical_request(method, path, query, headers, signed, payload_hash):
    """query: a list of (name, value); headers: {lower-case name: value}; signed: names in order."""
    canonical_query = "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(query))
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed)
    return f"{method}\n{quote(path, safe='/-_.~%')}\n{canonical_query}\n{lines}\n{';'.join(signed)}\n{payload_hash}"


def string_to_sign(stamp, scope, canonical):
    return f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest(canonical.encode())}"


class Raw:
    def __init__(self, endpoint, ca_file, key_id, secret, region="us-east-1", server_name=None):
        address = urlsplit(endpoint)
        self.host, self.port = address.hostname, address.port
        self.context = ssl.create_default_context(cafile=ca_file)
        self.key_id, self.secret, self.region = key_id, secret, region
        self.server_name = server_name or self.host

    def call(self, action=None, params=None, *, version=VERSION, body=None, **bent):
        """A POST in the Query protocol. `body` replaces the form; the rest is as in send()."""
        form = {"Action": action, "Version": version, **(params or {})}
        if body is None:
            body = urlencode({name: value for name, value in form.items() if value is not None})
        bent.setdefault("headers", {}).setdefault("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        return self.send("POST", "/", body=body, **bent)

    def send(self, method, path, *, query=(), headers=None, body=b"", when=None, stamp=None, key_id=None, secret=None,
             region=None, service="rds", scope=None, signed=None, payload_hash=None, signature=None, authorization=None,
             unsigned=False, token=None, sent_body=None, sent_headers=None, sent_path=None):
        """Signs a request and sends it.

        when, stamp      the time of signing, as a datetime or as the text of X-Amz-Date
        scope            the text behind the key's id in Credential (date/region/service/aws4_request)
        signed           the names in SignedHeaders instead of all headers
        signature, authorization   texts, or functions of the right text, that take its place
        unsigned         no Authorization at all
        sent_body, sent_headers, sent_path   what is sent instead of what was signed (a header of None is left out)
        """
        body = body.encode() if isinstance(body, str) else body
        stamp = stamp or (when or now()).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": f"{self.host}:{self.port}", "x-amz-date": stamp, **(headers or {})}
        if token:
            headers["x-amz-security-token"] = token
        names = sorted(headers) if signed is None else list(signed)
        region = region or self.region
        scope = scope or f"{stamp[:8]}/{region}/{service}/aws4_request"
        canonical = canonical_request(method, path, query, headers, names, payload_hash or digest(body))
        key = signing_key(secret or self.secret, stamp[:8], region, service)
        made = bend(signature, mac(key, string_to_sign(stamp, scope, canonical)).hex())
        if not unsigned:
            text = (f"AWS4-HMAC-SHA256 Credential={key_id or self.key_id}/{scope}, SignedHeaders={';'.join(names)}, "
                    f"Signature={made}")
            headers["authorization"] = bend(authorization, text)
        headers.update(sent_headers or {})
        target = sent_path or path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        return self.transmit(method, target, headers, body if sent_body is None else sent_body)

    def presigned(self, action, params=None, *, expires=300, when=None, method="GET", service="rds", key_id=None,
                  secret=None, signature=None, changes=None, headers=None, body=b""):
        """A request whose signature stands in the query. `changes` replaces members of the query (None drops one) before
        it is signed; `signature` as in send()."""
        stamp = (when or now()).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/{service}/aws4_request"
        query = {"Action": action, "Version": VERSION, **(params or {}), "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                 "X-Amz-Credential": f"{key_id or self.key_id}/{scope}", "X-Amz-Date": stamp,
                 "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host", **(changes or {})}
        query = [(name, value) for name, value in query.items() if value is not None]
        host = {"host": f"{self.host}:{self.port}"}
        canonical = canonical_request(method, "/", query, host, ["host"], digest(body))
        key = signing_key(secret or self.secret, stamp[:8], self.region, service)
        made = bend(signature, mac(key, string_to_sign(stamp, scope, canonical)).hex())
        target = "/?" + urlencode([*query, ("X-Amz-Signature", made)], quote_via=quote)
        return self.transmit(method, target, {**host, **(headers or {})}, body)

    def get(self, path, method="GET", **headers):
        """An unsigned request, as for a bundle. Header names are written with _ for -."""
        host = {"host": f"{self.server_name}:{self.port}"}
        return self.transmit(method, path, host | {name.replace("_", "-"): value for name, value in headers.items()})

    def transmit(self, method, target, headers, body=b""):
        """Sends just this; Content-Length is added unless `headers` has it (None leaves it out)."""
        connection = self.connection()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if "content-length" not in headers and (body or method in ("POST", "PUT")):
                connection.putheader("content-length", str(len(body)))
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            try:
                if body:
                    connection.send(body)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # a server may answer before it has read everything
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    def transmit_bytes(self, data, tls=True, timeout=10):
        """Sends bytes as they are and returns all that comes back until the server closes or falls silent."""
        import socket  # the name would shadow http.client's own
        plain = socket.create_connection((self.host, self.port), timeout)
        stream = self.context.wrap_socket(plain, server_hostname=self.server_name) if tls else plain
        received = b""
        with stream:
            stream.sendall(data)
            try:
                while chunk := stream.recv(65536):
                    received += chunk
            except (TimeoutError, OSError):
                pass
        return received

    def connection(self, timeout=60):
        """An HTTPS connection that verifies `server_name`, wherever `host` is."""
        return NamedConnection(self.host, self.port, context=self.context, timeout=timeout, server_name=self.server_name)


class NamedConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments, server_name, **options):
        super().__init__(*arguments, **options)
        self.server_name = server_name

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.server_name)


def read_reply(response):
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def bend(change, text):
    if change is None:
        return text
    return change(text) if callable(change) else change


def now():
    return datetime.datetime.now(datetime.timezone.utc)
