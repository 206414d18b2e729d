// Asks a PostgreSQL server for TLS and verifies it as Node.js does, with the roots of one file alone.
// node pg_tls.mjs HOST PORT ROOTS.pem: prints "authorized", or why not and exits with 1.
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

const [host, port, roots] = process.argv.slice(2);
const plain = net.connect(Number(port), host, () => plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
plain.once("data", (answer) => {
  if (answer.toString() !== "S") throw new Error(`no TLS: ${answer}`);
  const stream = tls.connect({ socket: plain, servername: host, ca: readFileSync(roots) }, () => {
    console.log("authorized");
    stream.destroy();
  });
  stream.on("error", (problem) => {
    console.log(problem.code);
    process.exitCode = 1;
  });
});
plain.on("error", (problem) => {
  console.log(problem.code);
  process.exitCode = 1;
});
