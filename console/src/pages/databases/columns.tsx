import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { TableProps } from "@cloudscape-design/components/table";
import { hrefOf } from "../../app/routes";
import { engineName } from "../../model/engine";
import type { Row } from "../../model/row";
import { formatDate } from "../../model/time";
import { Expiry, InstanceStatus, RotationStatus } from "../../parts/status";

/** The columns that tables of instances have in common. */
export function instanceColumns(region: string, now: number): TableProps.ColumnDefinition<Row>[] {
  return [
    {
      id: "identifier",
      header: "DB identifier",
      cell: ({ identifier }) => (
        <Link href={hrefOf({ page: "database", region, identifier, tab: "connectivity" })}>{identifier}</Link>
      ),
      sortingField: "identifier",
      isRowHeader: true,
      minWidth: 120,
    },
    { id: "status", header: "Status", cell: ({ status }) => <InstanceStatus status={status} />, sortingField: "status", minWidth: 125 },
    {
      id: "engine",
      header: "Engine",
      cell: ({ engine, version }) => `${engineName(engine)} ${version}`,
      sortingComparator: (a, b) => a.engine.localeCompare(b.engine) || a.version.localeCompare(b.version, "en", { numeric: true }),
      minWidth: 125,
    },
    { id: "region", header: "Region", cell: () => region, minWidth: 110 },
    { id: "class", header: "Size", cell: ({ instanceClass }) => instanceClass, sortingField: "instanceClass", minWidth: 110 },
    {
      id: "authority",
      header: "Certificate authority",
      cell: ({ authority, pendingAuthority }) =>
        pendingAuthority ? (
          <SpaceBetween size="xxxs">
            <span>{authority}</span>
            <small>to be {pendingAuthority}</small>
          </SpaceBetween>
        ) : (
          authority
        ),
      sortingField: "authority",
      minWidth: 160,
    },
    {
      id: "expires",
      header: "Certificate expires",
      cell: ({ expires }) => <Expiry expires={expires} now={now} />,
      sortingField: "expires",
      minWidth: 150,
    },
    {
      id: "nextRotation",
      header: "Next rotation",
      cell: ({ rotation, nextRotation }) =>
        rotation === "scheduled" ? formatDate(nextRotation) : <RotationStatus state={rotation} />,
      sortingComparator: (a, b) => a.rotation.localeCompare(b.rotation) || a.nextRotation - b.nextRotation,
      minWidth: 155,
    },
    { id: "window", header: "Maintenance window", cell: ({ window }) => window, sortingField: "window", minWidth: 180 },
  ];
}
