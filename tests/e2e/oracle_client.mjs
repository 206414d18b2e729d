// Sessions of node-oracledb in thin mode. Reads {"do", ...} a line, answers a line: {} or {"error"}.
//   {"do": "connect", "name", "user", "password", "connectString"}, then "ping" and "close" by the name.
// Whom it trusts is NODE_EXTRA_CA_CERTS's matter.
import { createInterface } from "node:readline";
import oracledb from "oracledb";

const sessions = {};
const actions = {
  async connect({ name, user, password, connectString }) {
    const session = await oracledb.getConnection({ user, password, connectString });
    sessions[name] = session;
    return { version: session.oracleServerVersionString, service: session.serviceName };
  },
  async ping({ name }) {
    await sessions[name].ping();
    return {};
  },
  async close({ name }) {
    await sessions[name].close();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    console.log(JSON.stringify(await actions[asked.do](asked)));
  } catch (problem) {
    console.log(JSON.stringify({ error: problem.message }));
  }
}
process.exit(0);
