import type { DBInstanceStatusInfo } from "@aws-sdk/client-rds";

/** Where the rotation of an instance's server certificate stands: docs/rotation.md, "What is seen where". */
export type RotationState = "scheduled" | "in-progress" | "guarded" | "undone" | "rehearsal" | "manual" | "none";

export interface Rotation {
  state: RotationState;
  /** The next rotation; of "manual" there is none. */
  next: Date | undefined;
}

/** The server certificate that clients see. */
export interface ServerCertificate {
  serial: string;
  sha256: string;
  validFrom: Date | undefined;
  authority: string;
  /** The number of the subordinate that issued it. */
  subordinate: number;
  /** CAs whose clients are served, too: their roots certify the one of `authority`. */
  bridges: string[];
}

const states: RotationState[] = ["scheduled", "in-progress", "guarded", "undone", "rehearsal", "manual"];

function infoOf(infos: DBInstanceStatusInfo[] | undefined, type: string) {
  return infos?.find((info) => info.StatusType === type);
}

export function dateOf(text: string | undefined): Date | undefined {
  const date = text ? new Date(text) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}

export function readRotation(infos: DBInstanceStatusInfo[] | undefined): Rotation {
  const info = infoOf(infos, "certificate-rotation");
  const state = states.find((each) => each === info?.Status) ?? "none";
  const [, next] = /^Next rotation: (\S+)$/.exec(info?.Message ?? "") ?? [];
  return { state, next: dateOf(next) };
}

export function readServerCertificate(infos: DBInstanceStatusInfo[] | undefined): ServerCertificate | undefined {
  const info = infoOf(infos, "server-certificate");
  const parts =
    /^SHA-256 ([0-9a-f]{64}), from (\S+), issued by (\S+) subordinate (\d+)(?:, bridged from (.+))?$/.exec(
      info?.Message ?? "",
    );
  if (!info?.Status || !parts) return undefined;
  const [, sha256 = "", from, authority = "", subordinate, bridges] = parts;
  return {
    serial: info.Status,
    sha256,
    validFrom: dateOf(from),
    authority,
    subordinate: Number(subordinate),
    bridges: bridges?.split(" ") ?? [],
  };
}

/** What the agent says is wrong with the instance. */
export function readProblem(infos: DBInstanceStatusInfo[] | undefined): string | undefined {
  return infoOf(infos, "instance")?.Message;
}
