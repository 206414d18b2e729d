import type { Row } from "./row";
import type { UpdateReason } from "./update";

/** What is asked of the server for one instance. */
export interface Order {
  identifier: string;
  arn: string;
  /** The certificate that it serves now. */
  serial: string;
  /** The pending maintenance actions to say yes to, where `authority` is "". */
  actions: string[];
  authority: string;
}

/** "taken": the server said yes; "followed": and the instance was read since. */
export interface BatchEntry {
  identifier: string;
  serial: string;
  outcome: "waiting" | "taken" | "followed" | "refused";
  problem: string;
}

export type BatchProgress = "waiting" | "rotating" | "rotated" | "undone" | "refused" | "scheduled";

/** Says yes to what is pending; else, and where a CA was chosen, asks for that CA, or its own once more. */
export function orderFor(row: Row, actions: string[], chosen: string): Order {
  const { identifier, arn, serial, authority } = row;
  const followsActions = !chosen && actions.length > 0;
  return { identifier, arn, serial, actions: followsActions ? actions : [], authority: followsActions ? "" : chosen || authority };
}

export function progressOf(entry: BatchEntry, row: Row | undefined, immediately: boolean): BatchProgress {
  if (entry.outcome === "waiting" || entry.outcome === "refused") return entry.outcome;
  if (!immediately) return "scheduled";
  if (entry.outcome === "taken" || !row) return "rotating";
  if (row.rotation === "undone") return "undone";
  if (row.serial === entry.serial || row.rotation === "in-progress") return "rotating";
  return "rotated";
}

/** For people, why an instance is on the list. */
export const reasonTexts: Record<UpdateReason, string> = {
  pending: "Pending maintenance",
  undone: "Clients refused the new certificate: it was put back",
  expiring: "Expires soon and is not renewed by itself",
};
