import { RDSClient } from "@aws-sdk/client-rds";
import type { AccessKey } from "../session/key";

/** A client of the server that this page came from, which answers for all regions at one address. */
export function makeClient(key: AccessKey, region: string): RDSClient {
  return new RDSClient({
    endpoint: window.location.origin,
    region,
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
    maxAttempts: 2,
  });
}
