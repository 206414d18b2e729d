import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { RotationState } from "../model/rotation";
import { day, formatDate } from "../model/time";

const statusTypes: Record<string, StatusIndicatorProps.Type> = {
  available: "success",
  stopped: "stopped",
  failed: "error",
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** An instance's status; what is none of the settled ones is under way. */
export function InstanceStatus({ status }: { status: string }) {
  return <StatusIndicator type={statusTypes[status] ?? "in-progress"}>{capital(status.replaceAll("-", " "))}</StatusIndicator>;
}

const rotationLooks: Record<RotationState, { type: StatusIndicatorProps.Type; text: string }> = {
  scheduled: { type: "success", text: "Automatic" },
  "in-progress": { type: "in-progress", text: "Rotating" },
  guarded: { type: "in-progress", text: "Guarded" },
  rehearsal: { type: "info", text: "Rehearsal" },
  undone: { type: "error", text: "Undone" },
  manual: { type: "warning", text: "Not automatic" },
  none: { type: "pending", text: "-" },
};

export function rotationText(state: RotationState): string {
  return rotationLooks[state].text;
}

export function RotationStatus({ state }: { state: RotationState }) {
  const { type, text } = rotationLooks[state];
  return state === "none" ? <>-</> : <StatusIndicator type={type}>{text}</StatusIndicator>;
}



/** The end of a certificate, with what is to be thought of it. */
export function Expiry({ expires, now }: { expires: number; now: number }) {
  if (!expires) return <>-</>;
  const type = expires < now ? "error" : expires - now < 30 * day ? "warning" : undefined;
  const text = expires < now ? `Expired ${formatDate(expires)}` : formatDate(expires);
  return type ? <StatusIndicator type={type}>{text}</StatusIndicator> : <>{text}</>;
}
