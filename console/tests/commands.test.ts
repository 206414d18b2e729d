/// <reference types="node" />
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Target, bundleCommand, clientCommands } from "../src/model/commands";
import { familyOf } from "../src/model/engine";
import { braced, libpq, shell } from "../src/model/quote";

const target: Target = {
  engine: "postgres",
  host: "orders.x.us-east-1.rds.localhost",
  port: 5432,
  user: "app",
  database: "",
  origin: "https://localhost:8443",
  bundlePath: "/us-east-1/us-east-1-bundle.pem",
};
const engines = ["postgres", "mysql", "mariadb", "sqlserver-ex", "oracle-se2"];

describe("client commands", () => {
  it("verify the server and its name, for every engine", () => {
    const signs: Record<string, RegExp> = {
      psql: /sslmode=verify-full sslrootcert=us-east-1-bundle\.pem/,
      mysql: /--ssl-mode=VERIFY_IDENTITY --ssl-ca=us-east-1-bundle\.pem/,
      mariadb: /--ssl-verify-server-cert --ssl-ca=us-east-1-bundle\.pem/,
      sqlcmd: / -N$/,
      sqlplus: /PROTOCOL=TCPS.*SSL_SERVER_DN_MATCH=TRUE/,
    };
    for (const engine of engines) {
      const commands = clientCommands({ ...target, engine });
      expect(commands.length).toBeGreaterThan(2);
      expect(new Set(commands.map(({ id }) => id)).size).toBe(commands.length);
      expect(commands[0]?.text).toMatch(signs[commands[0]?.id ?? ""] ?? /^$/);
      for (const { text } of commands) expect(text).toContain(target.host);
      for (const { text } of commands) expect(text).not.toMatch(/trustServerCertificate\W+true|rejectUnauthorized/i);
    }
  });
  it("are none for an engine that is not known", () => {
    expect(clientCommands({ ...target, engine: "db2-se" })).toEqual([]);
    expect(familyOf("mysqlish")).toBe("other");
  });
  it("fetch the bundle from this server", () => {
    expect(bundleCommand(target)).toBe(
      'curl --cacert "$SEALWRIGHT_CA" https://localhost:8443/us-east-1/us-east-1-bundle.pem -o us-east-1-bundle.pem',
    );
  });
});

describe("values in commands", () => {
  const nasty = ["plain", "two words", "it's", '$(touch x) `y` "z" \\', "a=b", "; rm -rf /", "{a}b"];
  it("are one argument of a shell", () => {
    for (const value of nasty)
      expect(execFileSync("bash", ["-c", `printf '<%s>' ${shell(value)}`], { encoding: "utf8" })).toBe(`<${value}>`);
  });
  it("are quoted for libpq and for Microsoft's drivers", () => {
    expect(libpq("it's \\")).toBe("'it\\'s \\\\'");
    expect(libpq("app")).toBe("app");
    expect(braced("a;b}")).toBe("{a;b}}}");
  });
});
