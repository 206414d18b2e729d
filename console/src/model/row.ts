import type { DBInstance } from "@aws-sdk/client-rds";
import { type RotationState, readRotation, readServerCertificate } from "./rotation";

/** What the tables show of an instance: small, because there may be ten thousand. */
export interface Row {
  identifier: string;
  arn: string;
  status: string;
  engine: string;
  version: string;
  instanceClass: string;
  authority: string;
  /** The CA that it will have, where that is another one. */
  pendingAuthority: string;
  /** ms since 1970, or 0: end of the server certificate, next rotation. */
  expires: number;
  nextRotation: number;
  rotation: RotationState;
  window: string;
  /** Of the certificate that clients see. */
  serial: string;
}

export function makeRow(instance: DBInstance): Row {
  const rotation = readRotation(instance.StatusInfos);
  return {
    identifier: instance.DBInstanceIdentifier ?? "",
    arn: instance.DBInstanceArn ?? "",
    status: instance.DBInstanceStatus ?? "",
    engine: instance.Engine ?? "",
    version: instance.EngineVersion ?? "",
    instanceClass: instance.DBInstanceClass ?? "",
    authority: instance.CACertificateIdentifier ?? "",
    pendingAuthority: instance.PendingModifiedValues?.CACertificateIdentifier ?? "",
    expires: instance.CertificateDetails?.ValidTill?.getTime() ?? 0,
    nextRotation: rotation.next?.getTime() ?? 0,
    rotation: rotation.state,
    window: instance.PreferredMaintenanceWindow ?? "",
    serial: readServerCertificate(instance.StatusInfos)?.serial ?? "",
  };
}

const settled = ["available", "stopped", "failed"];

/** Something is under way that ends by itself, so it is worth looking again soon. */
export function isMoving(row: Row): boolean {
  return !settled.includes(row.status) || row.rotation === "in-progress" || row.rotation === "guarded";
}
