"""A session's server process of the stand-in: TLS by the listener's wallet, then as much of TNS and TTC as a thin client
needs to log in (O5LOGON with an 11g verifier), to ping and to log off. It knows no SQL.

    session.py SOCKET SERVICE SID-IS-SERVICE [PEM TLS-VERSIONS SUITES]
"""

import hashlib
import os
import re
import secrets
import socket
import ssl
import struct
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from database import load, monitor  # noqa: E402
from wallet import aes  # noqa: E402

CONNECT, ACCEPT, REFUSE, DATA, MARKER = 1, 2, 4, 6, 12
VERIFIER_11G = 0x1b25
FIELD_VERSION_19 = 12


def number(value):
    """A variable length integer: its size, then its bytes."""
    body = value.to_bytes((value.bit_length() + 7) // 8, "big") if value else b""
    return bytes([len(body)]) + body


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return bytes([len(data)]) + data if data else b"\0"


def pair(key, value, flag=0):
    return number(len(key)) + text(key) + number(len(value)) + (text(value) if value else b"") + number(flag)


class Reader:
    """A cursor over a message."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        assert len(part) == count, "a message that is too short"
        self.at += count
        return part

    def byte(self):
        return self.take(1)[0]

    def number(self):
        return int.from_bytes(self.take(self.byte()), "big")

    def text(self):
        return self.take(self.byte())

    def pairs(self, count):
        found = {}
        for _ in range(count):
            key = self.text().decode() if self.number() else ""
            found[key] = self.text() if self.number() else b""
            self.number()
        return found


class Session:
    def __init__(self, stream, service, sid_is_service):
        self.stream, self.service, self.sid_is_service = stream, service, sid_is_service
        self.large = False  # lengths of packets take four bytes once the connection is accepted

    def receive(self, count):
        data = b""
        while len(data) < count:
            more = self.stream.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def packet(self):
        head = self.receive(8)
        length = struct.unpack(">I", head[:4])[0] if self.large else struct.unpack(">H", head[:2])[0]
        return head[4], self.receive(length - 8)

    def send(self, kind, body):
        length = len(body) + 8
        start = struct.pack(">I", length) if self.large else struct.pack(">HH", length, 0)
        self.stream.sendall(start + bytes([kind, 0, 0, 0]) + body)

    def reply(self, message):
        self.send(DATA, b"\0\0" + message)

    def message(self):
        while True:
            kind, body = self.packet()
            if kind == DATA:
                if body[:2] == b"\0\x40":  # the end of the file
                    raise EOFError
                return body[2:]

    def connect(self):
        kind, body = self.packet()
        assert kind == CONNECT, f"a packet of kind {kind}"
        length, offset = struct.unpack(">HH", body[16:20])
        wanted = body[offset - 8:offset - 8 + length]
        if not wanted:
            wanted = self.packet()[1][2:]
        asked = re.search(rb"\((SERVICE_NAME|SID)=([^)]*)\)", wanted, re.IGNORECASE)
        known = asked and asked.group(2).decode().upper() == self.service and \
            (asked.group(1).upper() == b"SERVICE_NAME" or self.sid_is_service)
        if not known or not monitor():
            code = 12505 if asked and asked.group(1).upper() == b"SID" else 12514
            reason = f"(DESCRIPTION=(ERR={code})(VSNNUM=318767104))".encode()
            self.send(REFUSE, struct.pack(">BBH", 34, 0, len(reason)) + reason)
            return False
        accepted = struct.pack(">HHHHHHHBB", 315, 0x0001, 8192, 65535, 1, 0, 45, 0x04, 0x04)
        accepted += bytes(8) + struct.pack(">IIB", 8192, 2097152, 0)
        self.send(ACCEPT, accepted)
        self.large = True
        return True

    def negotiate(self):
        assert self.message()[0] == 1, "no protocol negotiation"
        features = bytearray(11)
        features[5] = features[6] = 0
        features[9:11] = struct.pack(">H", 2000)  # AL16UTF16
        compile_time = bytearray(53)
        compile_time[7] = FIELD_VERSION_19
        run_time = bytes([2, 1, 0, 0, 0, 0, 5])
        self.reply(b"\x01\x06\x00" + b"Oracle stand-in\0" + struct.pack("<HBH", 873, 0, 0) +
                   struct.pack(">H", len(features)) + bytes(features) + text(bytes(compile_time)) + text(run_time))
        assert self.message()[0] == 2, "no negotiation of data types"
        self.reply(b"\x02" + bytes([0x80, 0, 0, 0, 60, 60, 60, 0x80, 0, 0, 0]) + b"\0\0")

    def call(self):
        """(function, reader after its header)."""
        reader = Reader(self.message())
        while reader.byte() == 17:  # piggybacks are of no interest and come before the call alone
            reader = Reader(self.message())
        function = reader.byte()
        reader.byte()
        return function, reader

    def login_message(self, function):
        got, reader = self.call()
        assert got == function, f"function {got} instead of {function}"
        reader.byte()
        reader.number()
        reader.number()
        reader.byte()
        count = reader.number()
        reader.take(2)
        return reader.text().decode(), reader.pairs(count)

    def login(self):
        username, _ = self.login_message(118)
        user = load()["users"].get(username.upper(), {})
        password = (user.get("password") or secrets.token_hex(16)).encode()
        salt, ours = secrets.token_bytes(10), secrets.token_bytes(48)
        key = hashlib.sha1(password + salt).digest() + bytes(4)
        self.reply(b"\x08" + number(2) + pair("AUTH_SESSKEY", aes(key, ours, True).hex().upper()) +
                   pair("AUTH_VFR_DATA", salt.hex().upper(), VERIFIER_11G) + self.status())
        _, answers = self.login_message(115)
        theirs = aes(key, bytes.fromhex(answers["AUTH_SESSKEY"].decode()), False)
        mixed = bytes(a ^ b for a, b in zip(ours[16:40], theirs[16:40]))
        combined = (hashlib.md5(mixed[:16]).digest() + hashlib.md5(mixed[16:]).digest())[:24]
        given = aes(combined, bytes.fromhex(answers["AUTH_PASSWORD"].decode()), False)[16:]
        if given[:-given[-1]] != password:
            self.refuse(1017, "ORA-01017: invalid username/password; logon denied")
            return False
        proof = aes(combined, secrets.token_bytes(16) + b"SERVER_TO_CLIENT", True).hex().upper()
        facts = {"AUTH_SVR_RESPONSE": proof, "AUTH_VERSION_NO": str(19 << 24 | 21 << 16), "AUTH_SESSION_ID": str(os.getpid()),
                 "AUTH_SERIAL_NUM": "1", "AUTH_SC_SERVICE_NAME": self.service, "AUTH_INSTANCENAME": os.environ["ORACLE_SID"],
                 "AUTH_SC_DBUNIQUE_NAME": self.service, "AUTH_DBNAME": self.service, "AUTH_MAX_OPEN_CURSORS": "300"}
        self.reply(b"\x08" + number(len(facts)) + b"".join(pair(*each) for each in facts.items()) + self.status())
        return True

    def status(self):
        return b"\x09" + number(1) + number(1)

    def refuse(self, code, reason):
        before = number(1) + number(0) * 7 + bytes(6)  # up to the warning flag
        rowid = number(0) * 2 + b"\0" + number(0) * 2
        rest = number(0) + b"\0\0" + number(0) * 2 + number(0) + number(0) + number(0) + number(0)
        self.reply(b"\x04" + before + rowid + rest + number(code) + number(0) + text(reason))

    def run(self):
        if not self.connect():
            return
        self.negotiate()
        if not self.login():
            return
        while True:
            function, _ = self.call()
            if function in (9, 14, 15, 147):  # log off, commit, roll back, ping
                self.reply(self.status())
            else:
                self.refuse(900, "ORA-00900: nothing stands in for SQL")
            if function == 9:
                return


def tls(connection, pem, versions, suites):
    warnings.simplefilter("ignore", DeprecationWarning)
    known = {"1.0": ssl.TLSVersion.TLSv1, "1.2": ssl.TLSVersion.TLSv1_2}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(suites + (":@SECLEVEL=0" if "1.0" in versions else ""))
    context.minimum_version, context.maximum_version = known[versions[:3]], known[versions[-3:]]
    context.load_cert_chain(pem)
    return context.wrap_socket(connection, server_side=True)


def main(descriptor, service, sid_is_service, *wallet):
    connection = socket.socket(fileno=int(descriptor))
    connection.settimeout(600)
    try:
        stream = tls(connection, *wallet) if wallet else connection
        Session(stream, service, sid_is_service == "yes").run()
    except (EOFError, OSError, AssertionError) as error:
        print(f"session {os.getpid()}: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
