import { type DBInstance, DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { useCallback } from "react";
import { useRegion } from "./RegionContext";
import { type Live, useLive } from "./useLive";

/** One instance with all that is known of it; `interval` as useLive's. */
export function useInstance(identifier: string, interval = 0): Live<DBInstance | undefined> {
  const { client } = useRegion();
  return useLive(
    useCallback(
      async (abortSignal: AbortSignal) => {
        const command = new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier });
        const reply = await client.send(command, { abortSignal });
        return reply.DBInstances?.[0];
      },
      [client, identifier],
    ),
    interval,
  );
}
