"""Servers that Sealwright did not make: real ones in a folder of their own, and stand-ins for what cannot be had or goes
wrong on purpose. All listen on 127.0.0.1."""

import asyncio
import os
import shutil
import signal
import ssl
import subprocess
import threading
from pathlib import Path

from engines import mysql_folder
from server import eventually, free_port

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/usr/bin"))


class Process:
    """A server started in a folder, as `user` when the test is root's; logs to FOLDER/log."""

    def __init__(self, folder, user):
        self.folder, self.port, self.process = folder, free_port(), None
        self.user = [] if os.getuid() else ["runuser", "-u", user, "--"]
        if self.user:
            shutil.chown(folder, user)
            for above in (folder, *folder.parents):  # pytest's folders are the test's user's alone
                if above.stat().st_uid == 0 and above != Path("/tmp") and Path("/tmp") in above.parents:
                    above.chmod(above.stat().st_mode | 0o055)

    def give(self, *files):
        """Copies of certificate and key that the server's user may read."""
        given = []
        for file in files:
            copy = Path(shutil.copy(file, self.folder / file.name))
            copy.chmod(0o600)
            if self.user:
                shutil.chown(copy, self.user[2])
            given.append(copy)
        return given

    def run(self, *command):
        done = subprocess.run([*self.user, *map(str, command)], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def start(self, *command):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.user, *map(str, command)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd="/")

    def until(self, *command):
        """Waits until a command succeeds."""
        def answers():
            assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-3000:]
            return subprocess.run([*map(str, command)], capture_output=True, check=False, timeout=60).returncode == 0
        eventually(answers, 30, lambda: f"{command} should succeed: {(self.folder / 'log').read_text(errors='replace')[-3000:]}")

    def close(self):
        if not self.process or self.process.poll() is not None:
            return
        os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Postgres(Process):
    """`rules` is the whole pg_hba.conf; `pair` None: no TLS."""

    def __init__(self, folder, rules, pair=None):
        super().__init__(folder, "postgres")
        data = folder / "data"
        self.run(POSTGRES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        (data / "pg_hba.conf").write_text(f"local all postgres trust\n{rules}\n")
        settings = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        if pair:
            certificate, key = self.give(*pair)
            settings += ["-c", "ssl=on", "-c", f"ssl_cert_file={certificate}", "-c", f"ssl_key_file={key}"]
        self.start(POSTGRES / "postgres", "-D", data, "-p", self.port, *settings)
        self.until("psql", "-XAtqc", "select 1", f"host={folder} port={self.port} user=postgres dbname=postgres")

    def sql(self, statement):
        subprocess.run(["psql", "-XAtqc", statement,
                        f"host={self.folder} port={self.port} user=postgres dbname=postgres"], check=True, timeout=60)


class PgBouncer(Process):
    def __init__(self, folder, pair, mode):
        super().__init__(folder, "postgres")
        certificate, key = self.give(*pair)
        settings = folder / "pgbouncer.ini"
        settings.write_text(f"""[databases]
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = md5
auth_file = {folder}/users
client_tls_sslmode = {mode}
client_tls_cert_file = {certificate}
client_tls_key_file = {key}
""")
        (folder / "users").write_text("")
        self.start("pgbouncer", settings)
        self.until("bash", "-c", f": > /dev/tcp/127.0.0.1/{self.port}")


class MariaDB(Process):
    """`address` is where it listens."""

    server, client = "mariadbd", "mariadb"

    def __init__(self, folder, pair=None, options=(), address="127.0.0.1"):
        super().__init__(folder, "mysql")
        tls = []
        if pair:
            certificate, key = self.give(*pair)
            tls = [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        self.socket = folder / "s.sock"
        self.make(folder / "data")
        self.start(self.server, *self.where(), f"--datadir={folder}/data", f"--socket={self.socket}",
                   f"--port={self.port}", f"--bind-address={address}", f"--pid-file={folder}/pid", *tls, *options)
        self.until(*self.sql_command("select 1"))

    def where(self):
        return ["--no-defaults"]

    def make(self, data):
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                 "--skip-test-db", "--skip-name-resolve")

    def sql_command(self, statement):
        return [self.client, "--no-defaults", f"--socket={self.socket}", "-uroot", "-BNe", statement]

    def sql(self, statement):
        return subprocess.run(self.sql_command(statement), check=True, capture_output=True, text=True, timeout=60).stdout

    def connects(self, port, user, password):
        """What a client is told that connects to `port` of 127.0.0.1: "" when it is let in."""
        done = subprocess.run([self.client, "--no-defaults", "-h127.0.0.1", f"-P{port}", f"-u{user}", "-BNe", "select 1"],
                              capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "MYSQL_PWD": password})
        return "" if done.returncode == 0 else done.stderr


class MySQL(MariaDB):
    """From build/mysql, where tests/get-mysql puts it."""

    server = property(lambda self: f"{mysql_folder()[0]}/mysqld")
    client = property(lambda self: f"{mysql_folder()[0]}/mysql")

    def where(self):
        return ["--no-defaults", "--mysqlx=0", "--secure-file-priv=NULL"]

    def make(self, data):
        self.run(self.server, *self.where(), f"--datadir={data}", "--initialize-insecure")


def server_context(pair, alpn=()):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


OFF, ON, NOT_SUP, REQ = range(4)  # ENCRYPTION of PRELOGIN, MS-TDS 2.2.6.5


def _tds_packet(kind, payload):
    return bytes([kind, 1]) + (len(payload) + 8).to_bytes(2, "big") + b"\0\0\1\0" + payload


async def _tds_read(reader):
    header = await reader.readexactly(8)
    return await reader.readexactly(int.from_bytes(header[2:4], "big") - 8)


def _tds_option(message, wanted):
    at = 0
    while message[at] != 0xff:
        offset, length = (int.from_bytes(message[at + i:at + i + 2], "big") for i in (1, 3))
        if message[at] == wanted:
            return message[offset:offset + length]
        at += 5
    return b""


class StandIns:
    """Servers on free ports in one thread; each method answers a port."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.servers = []

    def _listen(self, talk, context=None):
        async def guarded(reader, writer):
            try:
                await talk(reader, writer)
            except (OSError, EOFError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        async def begin():
            return await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context, backlog=256)
        server = asyncio.run_coroutine_threadsafe(begin(), self.loop).result(30)
        self.servers.append(server)
        return server.sockets[0].getsockname()[1]

    def close(self):
        async def end():
            for server in self.servers:
                server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)

    def tls(self, pair, alpn=()):
        """TLS first, as Oracle's TCPS and TDS 8.0."""
        async def talk(reader, writer):
            await reader.read()
        return self._listen(talk, server_context(pair, alpn))

    def says(self, greeting=b"", answer=b"", then_close=False):
        """Says `greeting`, and `answer` to whatever comes first."""
        async def talk(reader, writer):
            writer.write(greeting)
            await reader.read(4096)
            writer.write(answer)
            await writer.drain()
            if not then_close:
                await reader.read()
        return self._listen(talk)

    def silent(self):
        return self.says()

    def relay(self, port, source):
        """To `port` of 127.0.0.1, so that the other side sees the address `source`."""
        async def pump(reader, writer):
            try:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except OSError:
                pass
            writer.close()

        async def talk(reader, writer):
            onward, back = await asyncio.open_connection(source, port, local_addr=(source, 0))
            await asyncio.gather(pump(reader, back), pump(onward, writer))
        return self._listen(talk)

    def tds(self, pair, policy):
        """A stand-in of SQL Server before its log-in, with `policy` OFF (TLS for who wants it), REQ or NOT_SUP."""
        context = server_context(pair) if policy != NOT_SUP else None

        async def talk(reader, writer):
            asked = _tds_option(await _tds_read(reader), 1)[0]
            told = {OFF: asked, REQ: REQ, NOT_SUP: NOT_SUP}[policy]
            reply = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0x10, 0x6d, 0, 0, told])
            writer.write(_tds_packet(4, reply))
            await writer.drain()
            if asked == NOT_SUP or told == NOT_SUP:
                return
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls, done = context.wrap_bio(incoming, outgoing, server_side=True), False
            while not done:
                try:
                    tls.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    pass
                if data := outgoing.read():
                    writer.write(_tds_packet(0x12, data))
                    await writer.drain()
                if not done:
                    incoming.write(await _tds_read(reader))
            await reader.read()
        return self._listen(talk)
