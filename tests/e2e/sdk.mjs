// Drives @aws-sdk/client-rds for the tests: one JSON request a line on standard input, one JSON reply a line on
// standard output, so that one process serves many calls.
//   {"operation": "describe-certificates", "params": {...}}    -> {"result": {...}} or {"error": {...}}
//   {"wait": "db-instance-available", "params": {...}}          -> {"result": {...}} or {"error": {...}}
//   {"version": true}                                           -> {"result": "3.x.y"}
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-rds";

const require = createRequire(import.meta.url);
const client = new sdk.RDSClient({ endpoint: process.env.SEALWRIGHT_ENDPOINT });

const plain = (name) => name.replaceAll("-", "").toLowerCase();
const commands = new Map(
  Object.keys(sdk).filter((name) => name.endsWith("Command")).map((name) => [name.slice(0, -7).toLowerCase(), sdk[name]]),
);
const waiters = new Map(
  Object.keys(sdk).filter((name) => name.startsWith("waitUntil")).map((name) => [name.slice(9).toLowerCase(), sdk[name]]),
);

async function answer(request) {
  if (request.version) return require("@aws-sdk/client-rds/package.json").version;
  if (request.wait) {
    const { state } = await waiters.get(plain(request.wait))(
      { client, maxWaitTime: 300, minDelay: 1, maxDelay: 2 }, request.params);
    return { state };
  }
  const Command = commands.get(plain(request.operation));
  if (!Command) throw new Error(`the SDK has no operation ${request.operation}`);
  return client.send(new Command(request.params));
}

function described(error) {
  const name = error.constructor?.name;
  // The class of the exception, where the SDK has one for it: what `error instanceof sdk.X` tells.
  const typed = name in sdk && name !== "RDSServiceException" && error instanceof sdk[name] ? name : null;
  return {
    name: error.name, code: error.Code ?? error.code ?? error.name, typed, message: error.message,
    status: error.$metadata?.httpStatusCode ?? null, requestId: error.$metadata?.requestId ?? null,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { result: await answer(JSON.parse(line)) };
  } catch (error) {
    reply = { error: described(error) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
