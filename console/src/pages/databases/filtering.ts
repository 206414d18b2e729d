import type { PropertyFilterProperty } from "@cloudscape-design/collection-hooks";
import type { Row } from "../../model/row";

const words = [":", "!:", "=", "!="] as const;
const choices = ["=", "!="] as const;

/** By what databases are filtered; free text looks into all of these. */
export const filteringProperties: PropertyFilterProperty[] = [
  { key: "identifier", propertyLabel: "DB identifier", groupValuesLabel: "DB identifiers", operators: [...words] },
  { key: "status", propertyLabel: "Status", groupValuesLabel: "Status values", operators: [...choices] },
  { key: "engine", propertyLabel: "Engine", groupValuesLabel: "Engines", operators: [...choices] },
  { key: "version", propertyLabel: "Engine version", groupValuesLabel: "Engine versions", operators: [...words] },
  { key: "authority", propertyLabel: "Certificate authority", groupValuesLabel: "Certificate authorities", operators: [...words] },
  { key: "pendingAuthority", propertyLabel: "Pending authority", groupValuesLabel: "Pending authorities", operators: [...choices] },
  { key: "rotation", propertyLabel: "Rotation", groupValuesLabel: "Rotation states", operators: [...choices] },
  { key: "instanceClass", propertyLabel: "Size", groupValuesLabel: "Sizes", operators: [...choices] },
];

/** What the filter offers to choose from: not identifiers, of which there may be ten thousand. */
export function groupedOptions(rows: readonly Row[]) {
  const keys = ["status", "engine", "version", "authority", "pendingAuthority", "rotation", "instanceClass"] as const;
  return keys.flatMap((propertyKey) =>
    [...new Set(rows.map((row) => row[propertyKey]))]
      .filter(Boolean)
      .sort()
      .map((value) => ({ propertyKey, value })),
  );
}
