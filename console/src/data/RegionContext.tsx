import { DescribeCertificatesCommand, type DescribeCertificatesCommandOutput, type RDSClient } from "@aws-sdk/client-rds";
import { type ReactNode, createContext, use, useCallback, useMemo, useSyncExternalStore } from "react";
import { makeClient } from "../api/client";
import type { Region, RegionIndex } from "../model/trust";
import { type Access, findAccess } from "../session/access";
import { useSession } from "../session/SessionContext";
import { Batch } from "./batch";
import { Fleet } from "./fleet";
import { type PendingActions, loadPendingActions } from "./maintenance";
import { loadRegionIndex } from "./trust";
import { type Live, useLive } from "./useLive";

/** What all pages of a region share. */
export interface RegionData {
  region: Region;
  client: RDSClient;
  fleet: Fleet;
  batch: Batch;
  access: Live<Access>;
  pending: Live<PendingActions>;
  certificates: Live<DescribeCertificatesCommandOutput>;
  index: Live<RegionIndex>;
}

const RegionContext = createContext<RegionData | undefined>(undefined);

export function useRegion(): RegionData {
  const data = use(RegionContext);
  if (!data) throw new Error("there is no region above this component");
  return data;
}

export function useFleet() {
  const { fleet } = useRegion();
  return useSyncExternalStore(fleet.subscribe, fleet.snapshot);
}

export function useBatch() {
  const { batch } = useRegion();
  return useSyncExternalStore(batch.subscribe, batch.snapshot);
}

/** True once it is known that the key may change things. */
export function useMayChange(): boolean {
  return useRegion().access.data === "administrator";
}

const slowly = 30 * 1000; // ms

export function RegionProvider({ region, children }: { region: Region; children: ReactNode }) {
  const { key } = useSession();
  const client = useMemo(() => makeClient(key, region.name), [key, region.name]);
  const fleet = useMemo(() => new Fleet(client), [client]);
  const batch = useMemo(() => new Batch(client, fleet.touch), [client, fleet]);
  const access = useLive(useCallback((signal: AbortSignal) => findAccess(client, signal), [client]));
  const pending = useLive(useCallback((signal: AbortSignal) => loadPendingActions(client, signal), [client]), slowly);
  const certificates = useLive(
    useCallback(
      (abortSignal: AbortSignal) => client.send(new DescribeCertificatesCommand({ MaxRecords: 100 }), { abortSignal }),
      [client],
    ),
    slowly,
  );
  const index = useLive(useCallback((signal: AbortSignal) => loadRegionIndex(region, signal), [region]), slowly);
  const data = useMemo(
    () => ({ region, client, fleet, batch, access, pending, certificates, index }),
    [region, client, fleet, batch, access, pending, certificates, index],
  );
  return <RegionContext value={data}>{children}</RegionContext>;
}
