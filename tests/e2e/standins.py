"""SQL Server and Oracle behind the calls of engines.py. Neither can be had here: a stand-in plays each (tests/standin), its
clients are real. What only a real server could show stands in docs/sqlserver.md and docs/oracle.md."""

import engines
import oracle
import sqlserver
from engines import LISTENER, RESTART, Engine, Refused
from postgres import PASSWORD
from server import free_port


class SqlServer(Engine):
    """Through tedious, as one command; through python-tds, as a session; TDS 8.0 for a look at the certificate."""

    name = "sqlserver-se"
    probed = "sqlserver"
    tells = True
    rotation = RESTART
    force = ("rds.force_ssl", "0", "1")
    force_method = "pending-reboot"
    encrypted = ("TRUE",)  # it does not tell the version
    connection = "select @@spid"
    untrusted = "unable to get local issuer certificate|self-signed certificate in certificate chain"
    misnamed = "does not match certificate's altnames"
    insecure = "requires encryption"
    away = "Could not connect|ECONNREFUSED|ECONNRESET|socket hang up|Connection lost|Connection closed"
    alpn = "tds/8.0"

    def prepare(self, sealwright, **settings):
        sqlserver.prepare(sealwright, **settings)

    def query(self, instance, bundle, sql, secure=True, host=None, user=("app", PASSWORD)):
        rows = sqlserver.tedious(instance, bundle, sql, *user, encryption="require" if secure else "off", host=host)
        return rows[0][0] if rows else ""

    def encryption(self, instance, bundle, secure=True):
        said = self.query(instance, bundle, "select encrypt_option from sys.dm_exec_connections where session_id = @@spid", secure)
        return "" if said == "FALSE" else said

    def session(self, instance, bundle):
        return TdsSession(instance, bundle)

    def start_tls(self, plain):
        """TDS 8.0 begins with TLS."""

    def process(self, sealwright, instance):
        return next(iter(sqlserver.processes(sealwright, instance["DbiResourceId"])), None)


class TdsSession:
    """python-tds, connected."""

    def __init__(self, instance, bundle):
        self.connection = sqlserver.connect(instance, bundle)

    def ask(self, sql):
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                return str(cursor.fetchone()[0])
        except Exception as error:  # its own and the socket's
            raise Refused(f"{type(error).__name__}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Oracle(Engine):
    """Through node-oracledb in thin mode. TLS is an option, with a port of its own; the plain one stays. The stand-in knows no
    SQL: what is asked of it is whether the session lives."""

    name = "oracle-se2"
    probed = "oracle"
    rotation = LISTENER
    connection = "select sys_context('userenv', 'sid') from dual"
    untrusted = r"NJS-506.*\n(self-signed certificate in certificate chain|unable to get local issuer certificate)"
    misnamed = r"NJS-506.*\n.*not present in certificate"
    away = "NJS-50[03]|NJS-51[01]|ECONNREFUSED|ECONNRESET|disconnected before secure TLS connection"
    suites = ("SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,"
              "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")

    def __init__(self):
        self.tls_port = None

    def prepare(self, sealwright, **settings):
        super().prepare(sealwright, engine_folders=oracle.make_homes(sealwright.top), **settings)

    def options(self, client, identifier):
        self.tls_port = free_port()
        oracle.make_option_group(client, identifier, self.name, self.tls_port, **{"SQLNET.CIPHER_SUITE": self.suites})
        return {"OptionGroupName": identifier}

    def remove_options(self, client, identifier):
        client.call("delete-option-group", OptionGroupName=identifier)

    def port(self, instance):
        return self.tls_port

    def _where(self, instance, secure, host=None):
        endpoint = {**instance["Endpoint"], **({"Address": host} if host else {})}
        reached = {**instance, "Endpoint": endpoint}
        if secure:
            return oracle.connect_string(reached, self.tls_port)
        return oracle.connect_string(reached, endpoint["Port"], security="", protocol="TCP")

    def query(self, instance, bundle, sql, secure=True, host=None, user=("app", PASSWORD)):
        with oracle.Clients(bundle) as users:
            users.connect("one", self._where(instance, secure, host), *user)
            users.ping("one")
        return "1"

    def encryption(self, instance, bundle, secure=True):
        self.query(instance, bundle, "select 1", secure)
        return self.handshake(instance, bundle)[1] if secure else ""  # the engine has no account of its own here

    def session(self, instance, bundle):
        return OracleSession(self._where(instance, True), bundle)

    def start_tls(self, plain):
        """TCPS begins with TLS."""

    def process(self, sealwright, instance):
        return oracle.processes(sealwright, instance["DbiResourceId"])[0] or None


class OracleSession(oracle.Clients):
    """node-oracledb, connected; it does not connect anew by itself."""

    def __init__(self, where, bundle):
        super().__init__(bundle)
        self.connect("session", where, "app", PASSWORD)

    def ask(self, action, **more):
        if action in ("connect", "ping"):
            return super().ask(action, **more)
        self.ping("session")
        return "1"


ALL = {**engines.ALL, **{engine.name: engine for engine in (SqlServer(), Oracle())}}  # the real ones, too
