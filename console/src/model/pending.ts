import type { DBInstance } from "@aws-sdk/client-rds";

const names: Record<string, string> = {
  CACertificateIdentifier: "Certificate authority",
  DBInstanceClass: "DB instance class",
  DBInstanceIdentifier: "DB instance identifier",
  AllocatedStorage: "Storage (GiB)",
  StorageType: "Storage type",
  LicenseModel: "License model",
  EngineVersion: "Engine version",
  MasterUserPassword: "Master password",
  Port: "Port",
  Iops: "Provisioned IOPS",
  StorageThroughput: "Storage throughput",
};

/** What of an instance is asked for and not true yet. */
export function pendingChanges({ PendingModifiedValues }: DBInstance): { name: string; value: string }[] {
  return Object.entries(PendingModifiedValues ?? {}).flatMap(([name, value]) =>
    typeof value === "string" || typeof value === "number" ? [{ name: names[name] ?? name, value: String(value) }] : [],
  );
}
