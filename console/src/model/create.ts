import type { CreateDBInstanceCommandInput } from "@aws-sdk/client-rds";
import { type WeeklyWindow, formatWindow } from "./window";

/** What the form "Create database" asks for; texts that are empty were left to the server. */
export interface CreateWish {
  engine: string;
  version: string;
  identifier: string;
  username: string;
  password: string;
  confirmation: string;
  instanceClass: string;
  license: string;
  storage: string;
  database: string;
  port: string;
  authority: string;
  parameterGroup: string;
  window: WeeklyWindow | undefined;
  deletionProtection: boolean;
}

export const emptyWish: CreateWish = {
  engine: "",
  version: "",
  identifier: "",
  username: "app",
  password: "",
  confirmation: "",
  instanceClass: "",
  license: "",
  storage: "20",
  database: "",
  port: "",
  authority: "",
  parameterGroup: "",
  window: undefined,
  deletionProtection: false,
};

export type CreateProblems = Partial<Record<keyof CreateWish, string>>;

/** What keeps the form from being sent; what the server has to say of the rest comes with its reply. */
export function createProblems(wish: CreateWish): CreateProblems {
  const problems: CreateProblems = {};
  if (!wish.engine) problems.engine = "Choose an engine.";
  if (!/^[a-z](-?[a-z0-9])*$/i.test(wish.identifier) || wish.identifier.length > 63)
    problems.identifier = "1 to 63 letters, digits and single hyphens; a letter first, no hyphen last.";
  if (!wish.username) problems.username = "Give a name.";
  if (wish.password.length < 8) problems.password = "At least 8 characters.";
  if (wish.password !== wish.confirmation) problems.confirmation = "The passwords differ.";
  if (!/^\d+$/.test(wish.storage)) problems.storage = "A whole number.";
  if (wish.port && !/^\d+$/.test(wish.port)) problems.port = "A whole number.";
  return problems;
}

export function createInput(wish: CreateWish): CreateDBInstanceCommandInput {
  return {
    DBInstanceIdentifier: wish.identifier,
    Engine: wish.engine,
    EngineVersion: wish.version || undefined,
    DBInstanceClass: wish.instanceClass,
    LicenseModel: wish.license || undefined,
    AllocatedStorage: Number(wish.storage),
    MasterUsername: wish.username,
    MasterUserPassword: wish.password,
    DBName: wish.database || undefined,
    Port: wish.port ? Number(wish.port) : undefined,
    CACertificateIdentifier: wish.authority || undefined,
    DBParameterGroupName: wish.parameterGroup || undefined,
    PreferredMaintenanceWindow: wish.window && formatWindow(wish.window),
    DeletionProtection: wish.deletionProtection,
  };
}
