import type { DBInstance, ModifyDBInstanceCommandInput } from "@aws-sdk/client-rds";
import { type WeeklyWindow, describeWindow, formatWindow, readWindow } from "./window";

/** What the form "Modify" asks for. */
export interface ModifyWish {
  identifier: string;
  version: string;
  instanceClass: string;
  storage: string;
  password: string;
  confirmation: string;
  authority: string;
  /** Of an engine that restarts for a new certificate: keep it for the next restart. */
  withoutRestart: boolean;
  port: string;
  parameterGroup: string;
  window: WeeklyWindow;
  deletionProtection: boolean;
}

/** One line of the summary. */
export interface Change {
  name: string;
  before: string;
  after: string;
  /** It may wait for the maintenance window; others are made at once in any case. */
  waits: boolean;
  input: Partial<ModifyDBInstanceCommandInput>;
}

export function wishOf(instance: DBInstance): ModifyWish {
  const pending = instance.PendingModifiedValues;
  return {
    identifier: pending?.DBInstanceIdentifier ?? instance.DBInstanceIdentifier ?? "",
    version: instance.EngineVersion ?? "",
    instanceClass: pending?.DBInstanceClass ?? instance.DBInstanceClass ?? "",
    storage: String(pending?.AllocatedStorage ?? instance.AllocatedStorage ?? ""),
    password: "",
    confirmation: "",
    authority: pending?.CACertificateIdentifier ?? instance.CACertificateIdentifier ?? "",
    withoutRestart: false,
    port: String(instance.Endpoint?.Port ?? ""),
    parameterGroup: instance.DBParameterGroups?.[0]?.DBParameterGroupName ?? "",
    window: readWindow(instance.PreferredMaintenanceWindow ?? "") ?? { day: 0, hour: 3, minute: 0, length: 30 },
    deletionProtection: instance.DeletionProtection ?? false,
  };
}

export type ModifyProblems = Partial<Record<keyof ModifyWish, string>>;

export function modifyProblems(wish: ModifyWish): ModifyProblems {
  const problems: ModifyProblems = {};
  if (wish.password && wish.password.length < 8) problems.password = "At least 8 characters.";
  if (wish.password !== wish.confirmation) problems.confirmation = "The passwords differ.";
  if (!/^\d+$/.test(wish.storage)) problems.storage = "A whole number.";
  if (!/^\d*$/.test(wish.port)) problems.port = "A whole number.";
  return problems;
}

const onOff = (on: boolean) => (on ? "Enabled" : "Disabled");

/** What differs from how the form began. */
export function changesOf(instance: DBInstance, wish: ModifyWish): Change[] {
  const before = wishOf(instance);
  const window = (value: WeeklyWindow) => describeWindow(formatWindow(value));
  const changes: Change[] = [
    {
      name: "DB instance identifier",
      before: before.identifier,
      after: wish.identifier,
      waits: true,
      input: { NewDBInstanceIdentifier: wish.identifier },
    },
    { name: "Engine version", before: before.version, after: wish.version, waits: true, input: { EngineVersion: wish.version } },
    {
      name: "DB instance class",
      before: before.instanceClass,
      after: wish.instanceClass,
      waits: true,
      input: { DBInstanceClass: wish.instanceClass },
    },
    {
      name: "Allocated storage (GiB)",
      before: before.storage,
      after: wish.storage,
      waits: true,
      input: { AllocatedStorage: Number(wish.storage) },
    },
    {
      name: "Certificate authority",
      before: before.authority,
      after: wish.authority,
      waits: true,
      input: {
        CACertificateIdentifier: wish.authority,
        ...(wish.withoutRestart ? { CertificateRotationRestart: false } : {}),
      },
    },
    {
      name: "Master password",
      before: "",
      after: wish.password && "(a new one)",
      waits: false,
      input: { MasterUserPassword: wish.password },
    },
    { name: "Database port", before: before.port, after: wish.port, waits: false, input: { DBPortNumber: Number(wish.port) } },
    {
      name: "DB parameter group",
      before: before.parameterGroup,
      after: wish.parameterGroup,
      waits: false,
      input: { DBParameterGroupName: wish.parameterGroup },
    },
    {
      name: "Maintenance window",
      before: window(before.window),
      after: window(wish.window),
      waits: false,
      input: { PreferredMaintenanceWindow: formatWindow(wish.window) },
    },
    {
      name: "Deletion protection",
      before: onOff(before.deletionProtection),
      after: onOff(wish.deletionProtection),
      waits: false,
      input: { DeletionProtection: wish.deletionProtection },
    },
  ];
  return changes.filter((change) => change.before !== change.after);
}

export function modifyInput(identifier: string, changes: Change[], immediately: boolean): ModifyDBInstanceCommandInput {
  const input: ModifyDBInstanceCommandInput = { DBInstanceIdentifier: identifier, ApplyImmediately: immediately };
  return Object.assign(input, ...changes.map((change) => change.input)) as ModifyDBInstanceCommandInput;
}
