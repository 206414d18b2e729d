import { useMemo } from "react";
import type { Row } from "../model/row";
import { type UpdateReason, updateReason } from "../model/update";
import { useNow } from "./useNow";
import { useFleet, useRegion } from "./RegionContext";

export interface Update {
  row: Row;
  reason: UpdateReason;
}

/** The instances whose certificate somebody has to do something about. */
export function useUpdates(): Update[] {
  const { rows } = useFleet();
  const { pending } = useRegion();
  const now = useNow(60 * 1000);
  const actions = pending.data;
  return useMemo(() => {
    return rows.flatMap((row) => {
      const reason = updateReason(row, !!actions?.get(row.arn)?.length, now);
      return reason ? [{ row, reason }] : [];
    });
  }, [rows, actions, now]);
}
