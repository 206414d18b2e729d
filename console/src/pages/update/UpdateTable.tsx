import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { type ReactNode, useMemo } from "react";
import { useRegion } from "../../data/RegionContext";
import { useNow } from "../../data/useNow";
import type { Row } from "../../model/row";
import { describeWindow } from "../../model/window";
import { instanceColumns } from "../databases/columns";

interface Props {
  rows: Row[];
  reasons: Map<string, string>;
  loading: boolean;
  selected: Row[];
  kind: ReactNode;
  onSelect: (rows: Row[]) => void;
  /** Absent where the key may change nothing. */
  onUpdate: ((when: "now" | "window") => void) | undefined;
}

const shown = ["identifier", "status", "authority", "expires"];

/** Databases to choose from. */
export function UpdateTable({ rows, reasons, loading, selected, kind, onSelect, onUpdate }: Props) {
  const { region } = useRegion();
  const now = useNow();
  const columns = useMemo(
    () => [
      ...instanceColumns(region.name, now).filter(({ id }) => shown.includes(id ?? "")),
      { id: "reason", header: "Why", cell: ({ identifier }: Row) => reasons.get(identifier) ?? "-", minWidth: 220 },
      { id: "window", header: "Maintenance window", cell: ({ window }: Row) => describeWindow(window), minWidth: 160 },
    ],
    [region.name, now, reasons],
  );
  const { items, collectionProps, filterProps, filteredItemsCount, paginationProps } = useCollection(rows, {
    filtering: {
      fields: ["identifier", "authority", "status"],
      empty: <Box variant="strong">No database requires a certificate update</Box>,
      noMatch: <Box variant="strong">No database matches</Box>,
    },
    pagination: { pageSize: 50 },
    sorting: { defaultState: { sortingColumn: { sortingField: "identifier" } } },
    selection: { trackBy: "identifier" },
  });
  const count = selected.length ? `(${selected.length}/${rows.length})` : `(${rows.length})`;
  return (
    <Table<Row>
      {...collectionProps}
      {...(onUpdate ? { selectionType: "multi" as const, selectedItems: selected } : {})}
      onSelectionChange={({ detail }) => onSelect(detail.selectedItems)}
      variant="full-page"
      trackBy="identifier"
      wrapLines
      items={items}
      columnDefinitions={columns}
      loading={loading && rows.length === 0}
      loadingText="Loading databases"
      ariaLabels={{
        tableLabel: "Databases requiring certificate update",
        selectionGroupLabel: "Databases to update",
        allItemsSelectionLabel: () => "Select all on this page",
        itemSelectionLabel: (_, { identifier }) => `Select ${identifier}`,
      }}
      header={
        <Header
          variant="awsui-h1-sticky"
          counter={count}
          description="Give clients the region's bundle first: a client that trusts neither the new root nor the one before it cannot connect."
          actions={
            onUpdate && (
              <SpaceBetween direction="horizontal" size="xs">
                {selected.length < rows.length && rows.length > 1 && (
                  <Button onClick={() => onSelect(rows)}>{`Select all ${rows.length.toLocaleString("en")}`}</Button>
                )}
                <Button disabled={selected.length === 0} onClick={() => onUpdate("window")}>
                  Schedule
                </Button>
                <Button variant="primary" disabled={selected.length === 0} onClick={() => onUpdate("now")}>
                  Apply now
                </Button>
              </SpaceBetween>
            )
          }
        >
          Databases requiring certificate update
        </Header>
      }
      filter={
        <SpaceBetween direction="horizontal" size="s">
          <TextFilter
            {...filterProps}
            filteringPlaceholder="Filter by databases"
            filteringAriaLabel="Filter by databases"
            countText={`${filteredItemsCount ?? 0} matches`}
          />
          {kind}
        </SpaceBetween>
      }
      pagination={<Pagination {...paginationProps} />}
    />
  );
}
