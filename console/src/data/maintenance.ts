import { DescribePendingMaintenanceActionsCommand, type PendingMaintenanceAction, type RDSClient } from "@aws-sdk/client-rds";
import { eachPage } from "../api/pages";

/** The pending actions of a region's instances, by ARN. */
export type PendingActions = Map<string, PendingMaintenanceAction[]>;

export const renewalAction = "server-certificate-rotation";
export const authorityAction = "ca-certificate-rotation";

export async function loadPendingActions(client: RDSClient, signal: AbortSignal): Promise<PendingActions> {
  const actions: PendingActions = new Map();
  await eachPage(
    (Marker) => client.send(new DescribePendingMaintenanceActionsCommand({ Marker, MaxRecords: 100 }), { abortSignal: signal }),
    (page) =>
      page.PendingMaintenanceActions?.forEach(({ ResourceIdentifier, PendingMaintenanceActionDetails }) =>
        actions.set(ResourceIdentifier ?? "", PendingMaintenanceActionDetails ?? []),
      ),
    signal,
  );
  return actions;
}
