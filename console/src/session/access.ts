import { ModifyCertificatesCommand, type RDSClient } from "@aws-sdk/client-rds";
import { nameOf } from "../api/words";

/** What the access key may do. */
export type Access = "administrator" | "read-only";

/** Asks by a call that changes nothing whatever the answer is: ModifyCertificates without its parameters is refused to a
 *  read-only key for what it is, and to an administrator's for the parameters. */
export async function findAccess(client: RDSClient, signal: AbortSignal): Promise<Access> {
  try {
    await client.send(new ModifyCertificatesCommand({}), { abortSignal: signal });
  } catch (error) {
    const name = nameOf(error);
    if (name === "InvalidParameterCombination") return "administrator";
    if (name === "AccessDenied") return "read-only";
    throw error;
  }
  return "administrator";
}
