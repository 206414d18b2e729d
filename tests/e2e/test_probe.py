"""sealwright probe: the right verdict on every kind of server and of certificate, one or a thousand at once."""

import contextlib
import json
import os
import pty
import socket
import ssl
import struct
import subprocess

import engines
import pytest
import strangers
from certificates import Authority, self_signed
from postgres import create, delete, until_gone, until_status
from server import BINARY, PATIENCE
from strangers import MariaDB, MySQL, PgBouncer, Postgres, StandIns

MEMBERS = {"Target", "Host", "Port", "Engine", "ServerVersion", "Status", "Faults", "Problem", "Verified", "TLSVersion",
           "Cipher", "Unencrypted", "CAIdentifier", "Region", "KeyType", "ValidTill", "DaysLeft", "Names", "Chain"}
CERTIFICATE_MEMBERS = {"Subject", "Issuer", "KeyType", "SignatureAlgorithm", "SerialNumber", "SHA256", "ValidFrom",
                       "ValidTill"}
RULES = "host all all 127.0.0.1/32 scram-sha-256"


def run(*arguments, **options):
    return subprocess.run([BINARY, "probe", *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=120 * PATIENCE, **options)


def probe(*arguments, **options):
    """(exit status, the objects that --json prints)."""
    done = run("--json", "--timeout", "10", *arguments, **options)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert objects, f"status {done.returncode}: {done.stderr}"
    for each in objects:
        assert set(each) == MEMBERS
        assert all(set(certificate) == CERTIFICATE_MEMBERS for certificate in each["Chain"])
    return done.returncode, objects


def probe_one(port, *arguments, host="localhost"):
    status, objects = probe(f"{host}:{port}", *arguments)
    assert len(objects) == 1
    return status, objects[0]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca") / "known")


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue()


@pytest.fixture
def standins():
    made = StandIns()
    yield made
    made.close()


@pytest.fixture
def start(tmp_path):
    """start(class, ...): a server of the test's own."""
    made = []

    def begin(kind, *arguments, **options):
        folder = tmp_path / f"{kind.__name__.lower()}{len(made)}"
        folder.mkdir()
        made.append(kind(folder, *arguments, **options))
        return made[-1]
    yield begin
    for server in made:
        server.close()


def fine(seen, engine, unencrypted):
    """A certificate of the authority above was seen and verified."""
    assert seen["Problem"] is None
    assert (seen["Status"], seen["Verified"], seen["Faults"]) == ("ok", True, [])
    assert (seen["Engine"], seen["Unencrypted"]) == (engine, unencrypted)
    assert seen["TLSVersion"] in ("TLSv1.2", "TLSv1.3") and seen["Cipher"]
    assert seen["Names"] == ["localhost"] and seen["KeyType"] == "EC P-256"
    assert seen["DaysLeft"] in (199, 200) and len(seen["Chain"]) == 1
    assert seen["Chain"][0]["Subject"] == "CN=localhost"
    assert seen["Chain"][0]["SignatureAlgorithm"] == "ecdsa-with-SHA256"


# -- servers -------------------------------------------------------------------------------------------------------------

def test_an_instance_of_sealwright(shared, javascript, identifier):
    create(javascript, identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    shared.download("/global/global-bundle.pem", f"{identifier}.pem")  # when all authorities are made
    endpoint = until_status(javascript, identifier, "available")["Endpoint"]
    target = f"{endpoint['Address']}:{endpoint['Port']}"
    ways = (["--run-dir", shared.run_dir], ["--endpoint", f"https://localhost:{shared.port}", "--ca", shared.ca_file])
    for where in ways:
        status, (seen,) = probe(target, "--engine", "postgres", "--region", "us-east-1", *where)
        assert status == 0
        assert (seen["Status"], seen["Verified"], seen["Engine"]) == ("ok", True, "postgres")
        assert (seen["CAIdentifier"], seen["Region"], seen["KeyType"]) == ("rds-ca-ecc384-g1", "us-east-1", "EC P-384")
        assert seen["Names"][0] == endpoint["Address"] and seen["DaysLeft"] >= 360
        assert seen["Unencrypted"] == "refused"
        assert "Subordinate CA ECC384 G1" in seen["Chain"][0]["Issuer"]
    elsewhere = shared.download("/eu-central-1/eu-central-1-bundle.pem", f"{identifier}.pem")
    status, (seen,) = probe(target, "--engine", "postgres", "--bundle", elsewhere)
    assert (status, seen["Verified"], seen["Faults"]) == (4, False, ["unknown-authority"])
    text = run(target, "--global", *ways[0])
    assert text.returncode == 0
    assert "CA identifier  rds-ca-ecc384-g1 us-east-1" in text.stdout
    delete(javascript, identifier)
    until_gone(javascript, identifier)


@pytest.mark.parametrize("rules, unencrypted", [
    (RULES, "accepted"),
    (RULES.replace("host ", "hostssl "), "refused"),
    ("hostnossl all all all reject\n" + RULES, "refused"),
    ("host all nobody_else all scram-sha-256", "unknown"),  # nobody whom the probe could be is let in
    ("host all all 127.0.0.1/32 trust", "accepted"),
])
def test_a_postgresql_of_ones_own(start, authority, pair, rules, unencrypted):
    server = start(Postgres, rules, pair)
    status, seen = probe_one(server.port, "--engine", "postgres", "--bundle", authority.certificate)
    assert status == 0
    fine(seen, "postgres", unencrypted)
    status, seen = probe_one(server.port, "--tls-only", "--bundle", authority.certificate)
    assert status == 0
    fine(seen, "postgres", "not-checked")


def test_a_postgresql_without_tls(start):
    server = start(Postgres, RULES)
    for engine in ("postgres", "auto"):
        status, seen = probe_one(server.port, "--engine", engine)
        assert (status, seen["Status"], seen["Faults"]) == (5, "not-probed", ["no-tls"])
        assert (seen["Engine"], seen["Unencrypted"], seen["Chain"]) == ("postgres", "accepted", [])


@pytest.mark.parametrize("mode, unencrypted", [("require", "refused"), ("allow", "accepted")])
def test_a_pgbouncer(start, authority, pair, mode, unencrypted):
    server = start(PgBouncer, pair, mode)
    status, seen = probe_one(server.port, "--engine", "postgres", "--bundle", authority.certificate)
    assert status == 0
    fine(seen, "postgres", unencrypted)


def test_a_mariadb_without_tls(start):
    server = start(MariaDB, options=["--skip-ssl"])
    status, seen = probe_one(server.port)
    assert (status, seen["Faults"], seen["Engine"]) == (5, ["no-tls"], "mariadb")
    assert seen["Unencrypted"] == "accepted"


def shake_hands_and_hang_up(port):
    """A TLS handshake with a MySQL server, and not a word after it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        plain.recv(4096)
        plain.sendall(b"\x20\0\0\1" + struct.pack("<IIB23x", 0x8aa01, 1 << 24, 45))
        context.wrap_socket(plain).close()


def no_block_by_many_probes(server, standins):
    """MySQL and MariaDB count no errors of 127.0.0.1: the probes come from elsewhere."""
    relay = standins.relay(server.port, "127.0.0.2")
    server.sql("create user app@'%' identified by 'secret'")
    for _ in range(12):
        status, seen = probe_one(relay, "--engine", "mysql", host="127.0.0.1")
        assert (status, seen["Faults"]) == (4, ["wrong-name"]), seen
    assert server.connects(relay, "app", "secret") == ""
    for _ in range(4):  # and this is how a host is blocked
        with contextlib.suppress(OSError):
            shake_hands_and_hang_up(relay)
    assert "is blocked" in server.connects(relay, "app", "secret")
    status, seen = probe_one(relay, "--engine", "mysql", host="127.0.0.1")
    assert (status, seen["Faults"]) == (5, ["refused"])
    assert "error 1129" in seen["Problem"] and "127.0.0.2" in seen["Problem"]


STRICT = ["--max-connect-errors=3"]
BOTH = "127.0.0.1,127.0.0.2"


def test_a_mariadb(start, standins, authority, pair):
    server = start(MariaDB, pair, options=STRICT, address=BOTH)
    for engine in ("mariadb", "mysql", "auto"):
        status, seen = probe_one(server.port, "--engine", engine, "--bundle", authority.certificate)
        assert status == 0
        fine(seen, "mariadb", "unknown")  # it tells only those who know a password
        assert seen["ServerVersion"] in server.sql("select version()")
    no_block_by_many_probes(server, standins)


def test_a_mysql(start, standins, authority, pair):
    engines.usable(engines.ALL["mysql"])
    server = start(MySQL, pair, options=STRICT, address=BOTH)
    for engine in ("mysql", "auto"):
        status, seen = probe_one(server.port, "--engine", engine, "--bundle", authority.certificate)
        assert status == 0
        fine(seen, "mysql", "unknown")
    no_block_by_many_probes(server, standins)


@pytest.mark.parametrize("policy, unencrypted", [(strangers.OFF, "accepted"), (strangers.REQ, "refused")])
def test_a_sql_server(standins, authority, pair, policy, unencrypted):
    port = standins.tds(pair, policy)
    for engine in ("sqlserver", "sqlserver-ex", "auto"):
        status, seen = probe_one(port, "--engine", engine, "--bundle", authority.certificate)
        assert status == 0
        fine(seen, "sqlserver", unencrypted)
        assert seen["ServerVersion"] == "16.0.4205"


def test_a_sql_server_without_tls(standins, pair):
    status, seen = probe_one(standins.tds(pair, strangers.NOT_SUP), "--engine", "sqlserver")
    assert (status, seen["Faults"], seen["Unencrypted"]) == (5, ["no-tls"], "accepted")


@pytest.mark.parametrize("engine, alpn", [("sqlserver-strict", "tds/8.0"), ("postgres-direct", "postgresql"),
                                          ("oracle", ""), ("tls", "")])
def test_servers_that_speak_tls_first(standins, authority, pair, engine, alpn):
    port = standins.tls(pair, [alpn] if alpn else [])
    status, seen = probe_one(port, "--engine", engine, "--bundle", authority.certificate)
    assert status == 0
    fine(seen, engine, "unknown" if engine == "postgres-direct" else "refused")


def test_direct_tls_with_no_postgresql_behind_it(standins, pair):
    status, seen = probe_one(standins.tls(pair), "--engine", "postgres-direct")
    assert (status, seen["Faults"]) == (5, ["other-protocol"])
    assert "ALPN" in seen["Problem"]


# -- certificates --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, status, state, faults", [
    ("good", 0, "ok", []),
    ("ending", 3, "expiring", []),
    ("expired", 4, "not-verified", ["expired"]),
    ("early", 4, "not-verified", ["not-yet-valid"]),
    ("other name", 4, "not-verified", ["wrong-name"]),
    ("self-signed", 4, "not-verified", ["self-signed"]),
    ("stranger", 4, "not-verified", ["unknown-authority"]),
    ("expired other name", 4, "not-verified", ["expired", "wrong-name"]),
])
def test_certificates(standins, authority, tmp_path, kind, status, state, faults):
    issue = {"good": authority.issue,
             "ending": lambda: authority.issue(days=20),
             "expired": lambda: authority.issue(days=-2, since=-30),
             "early": lambda: authority.issue(since=2),
             "other name": lambda: authority.issue("elsewhere.example.com"),
             "self-signed": lambda: self_signed(tmp_path),
             "stranger": lambda: Authority(tmp_path / "stranger", "Nobody one knows").issue(),
             "expired other name": lambda: authority.issue("elsewhere.example.com", days=-2, since=-30)}
    port = standins.tls(issue[kind]())
    found, seen = probe_one(port, "--engine", "tls", "--bundle", authority.certificate)
    assert (found, seen["Status"], seen["Faults"]) == (status, state, faults)
    assert seen["Verified"] is (not faults)
    assert (seen["DaysLeft"] < 0) == ("expired" in faults)
    # Without a bundle dates and names are judged, and nothing is said of whether it verifies.
    found, seen = probe_one(port, "--engine", "tls")
    judged = [fault for fault in faults if fault not in ("self-signed", "unknown-authority")]
    assert (seen["Verified"], seen["Faults"]) == (None, judged)
    assert found == (4 if judged else 3 if kind == "ending" else 0)
    found, seen = probe_one(port, "--engine", "tls", "--warn-days", "10", "--bundle", authority.certificate)
    assert found == (4 if faults else 0)


def test_another_name_may_be_asked_for(standins, authority):
    port = standins.tls(authority.issue("elsewhere.example.com"))
    arguments = ["--engine", "tls", "--bundle", authority.certificate]
    assert probe_one(port, *arguments)[0] == 4
    assert probe_one(port, *arguments, "--server-name", "elsewhere.example.com")[0] == 0


# -- what is no database -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("engine", ["postgres", "postgres-direct", "mysql", "sqlserver", "sqlserver-strict", "oracle",
                                    "auto"])
def test_what_is_no_database(standins, engine):
    plain_text = standins.says(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n", then_close=True)
    talkative = standins.says(greeting=b"220 mail.example.com ESMTP\r\n")
    garbage = standins.says(greeting=bytes(range(256)), answer=bytes(range(255, -1, -1)) * 20)
    hangs_up = standins.says(then_close=True)
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        refused = unheard.getsockname()[1]
        ports = {"plain": plain_text, "talkative": talkative, "garbage": garbage, "hangs up": hangs_up, "refused": refused,
                 "silent": standins.silent()}
        status, objects = probe(*(f"127.0.0.1:{port}" for port in ports.values()), "--engine", engine, "--timeout", "3")
    assert status == 5
    for kind, seen in zip(ports, objects):
        assert (seen["Status"], seen["Chain"], seen["Verified"]) == ("not-probed", [], None), kind
        allowed = {"silent": ["no-answer"], "refused": ["no-connection"]}
        # Who waits for a greeting gets none from a server that waits to be asked.
        if engine == "mysql" and kind in ("plain", "hangs up"):
            allowed[kind] = ["no-answer"]
        wrong = ["other-protocol", "handshake-failed", "no-connection"]
        assert len(seen["Faults"]) == 1 and seen["Faults"][0] in allowed.get(kind, wrong), (kind, seen)
        assert seen["Problem"]


def test_what_a_server_says_cannot_move_the_cursor(standins):
    message = b"S\x1b[2JFATAL\0C57P03\0M\x1b]0;title\x07 no \xff\0\0"
    port = standins.says(answer=b"E" + (len(message) + 4).to_bytes(4, "big") + message)
    for arguments in ([], ["--json"]):
        done = run(f"127.0.0.1:{port}", "--engine", "postgres", *arguments)
        assert done.returncode == 5
        assert "?]0;title? no ?" in done.stdout and "\x1b" not in done.stdout


def test_a_port_that_does_not_listen_in_text():
    done = run("127.0.0.1:1", "--engine", "postgres")
    assert done.returncode == 5
    assert "not-probed (no-connection)" in done.stdout and "Connection refused" in done.stdout


# -- many ----------------------------------------------------------------------------------------------------------------

def test_a_list_of_targets(standins, authority, pair, tmp_path):
    tls, silent = standins.tls(pair), standins.silent()
    expiring = standins.tls(authority.issue("db.example.com", days=9))
    targets = tmp_path / "targets"
    targets.write_text(f"# databases\nlocalhost:{tls} oracle\n\n127.0.0.1:{expiring} tls db.example.com # by address\n")
    trust = ["--bundle", authority.certificate]
    status, objects = probe("--targets", targets, *trust)
    assert (status, [each["Status"] for each in objects]) == (3, ["ok", "expiring"])
    status, objects = probe("--targets", "-", f"localhost:{tls}", "--engine", "tls", *trust, "--timeout", "1",
                            input=f"127.0.0.1:{silent} postgres\n")
    assert (status, [each["Status"] for each in objects]) == (5, ["ok", "not-probed"])
    done = run("--targets", targets, *trust)
    assert done.returncode == 3
    head, first, second, total = done.stdout.splitlines()
    assert head.split() == ["TARGET", "ENGINE", "TLS", "CA", "DAYS", "UNENCRYPTED", "STATUS", "PROBLEM"]
    assert first.split()[0] == f"localhost:{tls}" and first.split()[-1] == "ok"
    assert second.split()[0] == f"127.0.0.1:{expiring}" and second.split()[-1] == "expiring"
    assert total == "2 targets: 1 ok, 1 expiring, 0 not-verified, 0 not-probed"


def test_wrong_usage(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("localhost:5432 postgres\nlocalhost:99999\n")
    calls = [[], ["localhost:x"], ["localhost", "--engine", "cobol"], ["h:1", "--bundle", "a", "--region", "r"], ["[::1"],
             ["h:1", "--run-dir", "run"], ["h:1", "--timeout", "0"], ["--targets", bad], ["h:1", "--nonsense"], ["h", "--engine", "tls"]]
    for call in calls:
        done = run(*call)
        assert (done.returncode, done.stdout) == (2, ""), call
        assert done.stderr
    assert "line 2" in run("--targets", bad).stderr
    for call in (["h:1", "--bundle", tmp_path / "none.pem"], ["--targets", tmp_path / "none"], ["h:1", "--bundle", bad]):
        done = run(*call)
        assert (done.returncode, done.stdout) == (1, ""), call
    assert "--warn-days" in run("--help").stdout


@pytest.mark.slow
def test_a_thousand_targets_at_once(standins, authority, tmp_path):
    pairs = {"ok": authority.issue(), "wrong-name": authority.issue("elsewhere.example.com"),
             "expired": authority.issue(days=-2, since=-30), "self-signed": self_signed(tmp_path)}
    kinds = {"ok": lambda: (standins.tls(pairs["ok"]), "oracle"),
             "wrong-name": lambda: (standins.tls(pairs["wrong-name"]), "tls"),
             "expired": lambda: (standins.tds(pairs["expired"], strangers.OFF), "sqlserver"),
             "self-signed": lambda: (standins.tls(pairs["self-signed"], ["tds/8.0"]), "sqlserver-strict"),
             "no-tls": lambda: (standins.says(answer=b"N"), "postgres"),
             "refused": lambda: (standins.says(greeting=b"\x17\0\0\0\xff\x10\x04Too many connections"), "mysql"),
             "other-protocol": lambda: (standins.says(greeting=b"220 mail.example.com ESMTP\r\n"), "postgres"),
             "no-answer": lambda: (standins.silent(), "mysql")}
    # The stand-ins share one thread, so there are fewer of those that have handshakes to make.
    expected = [list(kinds)[i // 6 % 4 if i % 6 == 0 else 4 + i % 4] for i in range(1000)]
    lines = [f"localhost:{port} {engine}" for port, engine in (kinds[kind]() for kind in expected)]
    arguments = ["--targets", "-", "--bundle", authority.certificate, "--tls-only", "--timeout", str(int(10 * PATIENCE))]
    status, objects = probe(*arguments, input="\n".join(lines))
    assert status == 5 and len(objects) == 1000
    for kind, line, seen in zip(expected, lines, objects):
        assert line.startswith(seen["Target"] + " ")
        assert seen["Faults"] == ([] if kind == "ok" else [kind]), (line, seen)
        assert seen["Status"] == ("ok" if kind == "ok" else "not-verified" if seen["Chain"] else "not-probed")


def test_a_bar_on_a_terminal(standins, pair):
    port = standins.tls(pair)
    ours, theirs = pty.openpty()
    done = subprocess.run([BINARY, "probe", "--targets", "-", "--engine", "tls"], stdout=subprocess.PIPE, stderr=theirs,
                          input=f"localhost:{port}\n" * 20, text=True, check=False, timeout=60 * PATIENCE)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0 and done.stdout.endswith("20 targets: 20 ok, 0 expiring, 0 not-verified, 0 not-probed\n")
    assert shown.startswith("\r[") and "20 of 20 probed" in shown
