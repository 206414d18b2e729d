import { type EngineFamily, familyOf } from "./engine";
import { braced, inUrl, libpq, literal, quoted, shell } from "./quote";

/** What a client needs to reach one instance. */
export interface Target {
  engine: string;
  host: string;
  port: number;
  user: string;
  /** The database made with the instance; "" for the engine's own. */
  database: string;
  /** The server's own address, https://host:port. */
  origin: string;
  /** Of the PEM bundle: /us-east-1/us-east-1-bundle.pem */
  bundlePath: string;
}

export interface Command {
  id: string;
  /** The client or driver. */
  name: string;
  text: string;
  /** What is to know before it is used. */
  note?: string;
}

type Maker = (target: Target & { bundle: string; stem: string }) => Command[];

const javaNote =
  "The .p12 bundle stands beside the PEM one on this page; its password is changeit. Java's own check of the host name is on.";

/** libpq's form, which PostgreSQL's own client and many drivers read. */
function conninfo(host: string, port: number, user: string, database: string, bundle: string): string {
  return `host=${host} port=${port} user=${libpq(user)} dbname=${libpq(database)} sslmode=verify-full sslrootcert=${bundle}`;
}

const postgres: Maker = ({ host, port, user, database, bundle }) => {
  const name = database || "postgres";
  const info = conninfo(host, port, user, name, bundle);
  return [
    { id: "psql", name: "psql", text: `psql ${shell(info)}` },
    {
      id: "jdbc",
      name: "JDBC (PgJDBC)",
      text: `jdbc:postgresql://${host}:${port}/${inUrl(name)}?user=${inUrl(user)}&sslmode=verify-full&sslrootcert=${bundle}`,
    },
    {
      id: "python",
      name: "Python (psycopg)",
      text: `psycopg.connect(host="${host}", port=${port}, user=${literal(user)}, dbname=${literal(name)}, sslmode="verify-full", sslrootcert="${bundle}")`,
    },
    {
      id: "node",
      name: "Node.js (pg)",
      text: `new pg.Client({ host: "${host}", port: ${port}, user: ${literal(user)}, database: ${literal(name)}, ssl: { ca: fs.readFileSync("${bundle}") } })`,
    },
    { id: "go", name: "Go (pgx)", text: `pgx.Connect(ctx, ${literal(info)})` },
    {
      id: "dotnet",
      name: ".NET (Npgsql)",
      text: `Host=${host};Port=${port};Username=${quoted(user)};Database=${quoted(name)};SSL Mode=VerifyFull;Root Certificate=${bundle}`,
    },
  ];
};

/** Drivers that MySQL and MariaDB share. */
const mysqlDrivers: Maker = ({ host, port, user, database, bundle }) => [
  {
    id: "python",
    name: "Python (PyMySQL)",
    text: `pymysql.connect(host="${host}", port=${port}, user=${literal(user)}, database=${database ? literal(database) : "None"}, ssl_ca="${bundle}", ssl_verify_cert=True, ssl_verify_identity=True)`,
  },
  {
    id: "node",
    name: "Node.js (mysql2)",
    text: `mysql.createConnection({ host: "${host}", port: ${port}, user: ${literal(user)}, database: ${literal(database)}, ssl: { ca: fs.readFileSync("${bundle}") } })`,
  },
];

const mysql: Maker = (target) => {
  const { host, port, user, database, bundle, stem } = target;
  const shared = `--host=${host} --port=${port} --user=${shell(user)} --password`;
  return [
    {
      id: "mysql",
      name: "mysql",
      text: `mysql ${shared} --ssl-mode=VERIFY_IDENTITY --ssl-ca=${bundle}${database && ` ${shell(database)}`}`,
    },
    {
      id: "jdbc",
      name: "JDBC (Connector/J)",
      text: `jdbc:mysql://${host}:${port}/${inUrl(database)}?user=${inUrl(user)}&sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:${stem}.p12&trustCertificateKeyStoreType=PKCS12&trustCertificateKeyStorePassword=changeit`,
      note: javaNote,
    },
    ...mysqlDrivers(target),
  ];
};

const mariadb: Maker = (target) => {
  const { host, port, user, database, bundle } = target;
  const shared = `--host=${host} --port=${port} --user=${shell(user)} --password`;
  return [
    {
      id: "mariadb",
      name: "mariadb",
      text: `mariadb ${shared} --ssl-verify-server-cert --ssl-ca=${bundle}${database && ` ${shell(database)}`}`,
    },
    {
      id: "jdbc",
      name: "JDBC (Connector/J)",
      text: `jdbc:mariadb://${host}:${port}/${inUrl(database)}?user=${inUrl(user)}&sslMode=verify-full&serverSslCert=${bundle}`,
    },
    ...mysqlDrivers(target),
  ];
};

const sqlserver: Maker = ({ host, port, user, database, bundle, stem }) => [
  {
    id: "sqlcmd",
    name: "sqlcmd",
    text: `sqlcmd -S tcp:${host},${port} -U ${shell(user)}${database && ` -d ${shell(database)}`} -N`,
    note: "It trusts what the system trusts: add the bundle's roots there first (on Windows the .p7b bundle, to the Trusted Root Certification Authorities).",
  },
  {
    id: "jdbc",
    name: "JDBC (mssql-jdbc)",
    text: `jdbc:sqlserver://${host}:${port};user=${braced(user)};${database && `databaseName=${braced(database)};`}encrypt=true;trustServerCertificate=false;trustStore=${stem}.p12;trustStoreType=PKCS12;trustStorePassword=changeit`,
    note: javaNote,
  },
  {
    id: "node",
    name: "Node.js (tedious)",
    text: `new Connection({ server: "${host}", authentication: { type: "default", options: { userName: ${literal(user)}, password } }, options: { port: ${port}, encrypt: true, trustServerCertificate: false, cryptoCredentialsDetails: { ca: fs.readFileSync("${bundle}") } } })`,
  },
  {
    id: "python",
    name: "Python (python-tds)",
    text: `pytds.connect("${host}", port=${port}, user=${literal(user)}, password=password, cafile="${bundle}", validate_host=True)`,
  },
];

const oracle: Maker = ({ host, port, user, database, bundle, stem }) => {
  const service = inUrl(database || "ORCL");
  return [
    {
      id: "sqlplus",
      name: "SQL*Plus",
      text: `sqlplus ${shell(user)}@'(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=${host})(PORT=${port}))(CONNECT_DATA=(SERVICE_NAME=${service}))(SECURITY=(SSL_SERVER_DN_MATCH=TRUE)))'`,
      note: "Put the bundle's certificates into a wallet first: orapki wallet create -wallet wallet -auto_login_only, then for each orapki wallet add -wallet wallet -trusted_cert -cert FILE -auto_login_only.",
    },
    {
      id: "jdbc",
      name: "JDBC (thin)",
      text: `jdbc:oracle:thin:@tcps://${host}:${port}/${service}?ssl_server_dn_match=true&javax.net.ssl.trustStore=${stem}.p12&javax.net.ssl.trustStoreType=PKCS12&javax.net.ssl.trustStorePassword=changeit`,
      note: javaNote,
    },
    {
      id: "node",
      name: "Node.js (node-oracledb)",
      text: `oracledb.getConnection({ user: ${literal(user)}, password, connectString: "tcps://${host}:${port}/${service}?ssl_server_dn_match=on" })`,
      note: `Start Node.js with NODE_EXTRA_CA_CERTS=${bundle}.`,
    },
  ];
};

const makers: Record<EngineFamily, Maker> = { postgres, mysql, mariadb, sqlserver, oracle, other: () => [] };

/** The command that fetches the bundle that all others name. */
export function bundleCommand(target: Target): string {
  const { origin, bundlePath } = target;
  return `curl --cacert "$SEALWRIGHT_CA" ${origin}${bundlePath} -o ${bundlePath.replace(/^.*\//, "")}`;
}

/** How clients of the instance's engine connect with the server's certificate and name verified. No password stands in
 *  them: each asks for it, or takes it from where its users keep it. */
export function clientCommands(target: Target): Command[] {
  const bundle = target.bundlePath.replace(/^.*\//, "");
  return makers[familyOf(target.engine)]({ ...target, bundle, stem: bundle.replace(/\.pem$/, "") });
}
