// Runs one batch with tedious: a JSON request on standard input, the rows as JSON on standard output.
//   {"host", "port", "user", "password", "encrypt": true | false | "strict", "bundle": PEM file or null, "sql"}
import { readFileSync } from "node:fs";
import { Connection, Request } from "tedious";

const asked = JSON.parse(readFileSync(0, "utf8"));
const connection = new Connection({
  server: asked.host,
  authentication: { type: "default", options: { userName: asked.user, password: asked.password } },
  options: {
    port: asked.port, encrypt: asked.encrypt, trustServerCertificate: false, connectTimeout: 20000,
    ...(asked.bundle && { cryptoCredentialsDetails: { ca: readFileSync(asked.bundle) } }),
  },
});

try {
  await new Promise((resolve, reject) => {
    connection.on("connect", (error) => (error ? reject(error) : resolve()));
    connection.connect();
  });
  const rows = [];
  await new Promise((resolve, reject) => {
    const request = new Request(asked.sql, (error) => (error ? reject(error) : resolve()));
    request.on("row", (columns) => rows.push(columns.map(({ value }) => value)));
    connection.execSqlBatch(request);
  });
  console.log(JSON.stringify(rows));
} catch (error) {
  console.error(`${error.code}: ${error.message}`, error.cause?.message ?? "");
  process.exitCode = 1;
} finally {
  connection.close();
}
