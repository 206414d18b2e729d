/** Engines by family: all editions of one speak the same protocol to the same drivers. */
export type EngineFamily = "postgres" | "mysql" | "mariadb" | "sqlserver" | "oracle" | "other";

export function familyOf(engine: string): EngineFamily {
  const families: EngineFamily[] = ["postgres", "mysql", "mariadb", "sqlserver", "oracle"];
  return families.find((family) => engine === family || engine.startsWith(`${family}-`)) ?? "other";
}

const names: Record<string, string> = {
  postgres: "PostgreSQL",
  mysql: "MySQL",
  mariadb: "MariaDB",
  "oracle-ee": "Oracle Enterprise Edition",
  "oracle-se2": "Oracle Standard Edition Two",
  "sqlserver-ee": "SQL Server Enterprise Edition",
  "sqlserver-se": "SQL Server Standard Edition",
  "sqlserver-ex": "SQL Server Express Edition",
  "sqlserver-web": "SQL Server Web Edition",
};

export function engineName(engine: string): string {
  return names[engine] ?? engine;
}
