import { day } from "./time";
import type { Row } from "./row";

/** Why an instance is on the page "Certificate update". */
export type UpdateReason = "pending" | "undone" | "expiring";

const soon = 30 * day;

/** A pending maintenance action asks for it; clients refused the last try; or it ends soon and nothing renews it. */
export function updateReason(row: Row, hasAction: boolean, now: number): UpdateReason | undefined {
  if (hasAction) return "pending";
  if (row.rotation === "undone") return "undone";
  const isLeft = row.rotation === "manual" && row.expires > 0 && row.expires - now < soon;
  return isLeft ? "expiring" : undefined;
}
