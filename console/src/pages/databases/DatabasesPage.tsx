import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useMemo, useState } from "react";
import { hrefOf } from "../../app/routes";
import { useFleet, useMayChange, useRegion } from "../../data/RegionContext";
import { useNow } from "../../data/useNow";
import { Failure } from "../../parts/Failure";
import { instanceColumns } from "./columns";
import { filteringProperties, groupedOptions } from "./filtering";

const columnIds = ["identifier", "status", "engine", "region", "class", "authority", "expires", "nextRotation", "window"];
const hiddenAtFirst = ["class", "window"];

/** All databases of the region. */
export function DatabasesPage() {
  const { region, fleet } = useRegion();
  const { rows, complete, error } = useFleet();
  const mayChange = useMayChange();
  const now = useNow();
  const [pageSize, setPageSize] = useState(20);
  const [visible, setVisible] = useState(() => columnIds.filter((id) => !hiddenAtFirst.includes(id)));
  const columns = useMemo(() => instanceColumns(region.name, now), [region.name, now]);
  const { items, filteredItemsCount, collectionProps, propertyFilterProps, paginationProps } = useCollection(rows, {
    propertyFiltering: {
      filteringProperties,
      empty: <Empty mayChange={mayChange} region={region.name} />,
      noMatch: <Box variant="strong">No database matches</Box>,
    },
    pagination: { pageSize },
    sorting: { defaultState: { sortingColumn: { sortingField: "identifier" } } },
  });
  const options = useMemo<PropertyFilterProps["filteringOptions"]>(() => groupedOptions(rows), [rows]);
  const create = hrefOf({ page: "create", region: region.name });

  return (
    <Table
      {...collectionProps}
      variant="full-page"
      stickyHeader
      wrapLines
      trackBy="identifier"
      items={items}
      columnDefinitions={columns}
      columnDisplay={columnIds.map((id) => ({ id, visible: visible.includes(id) }))}
      loading={rows.length === 0 && !complete && error === undefined}
      loadingText="Loading databases"
      ariaLabels={{ tableLabel: "Databases" }}
      renderAriaLive={({ firstIndex, lastIndex, totalItemsCount }) =>
        `Databases ${firstIndex} to ${lastIndex} of ${totalItemsCount ?? 0}`
      }
      firstIndex={((paginationProps.currentPageIndex || 1) - 1) * pageSize + 1}
      totalItemsCount={rows.length}
      header={
        <SpaceBetween size="m">
          {error !== undefined && <Failure error={error} />}
          <Header
            variant="awsui-h1-sticky"
            counter={`(${rows.length.toLocaleString("en")}${complete ? "" : "+"})`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={() => void fleet.refresh()} />
                {mayChange && (
                  <Button variant="primary" href={create}>
                    Create database
                  </Button>
                )}
              </SpaceBetween>
            }
          >
            Databases
          </Header>
        </SpaceBetween>
      }
      filter={
        <PropertyFilter
          {...propertyFilterProps}
          filteringOptions={options}
          filteringPlaceholder="Filter by databases"
          filteringAriaLabel="Filter by databases"
          countText={`${filteredItemsCount?.toLocaleString("en") ?? 0} ${filteredItemsCount === 1 ? "match" : "matches"}`}
          virtualScroll
          expandToViewport
        />
      }
      pagination={<Pagination {...paginationProps} />}
      preferences={
        <CollectionPreferences
          title="Preferences"
          confirmLabel="Confirm"
          cancelLabel="Cancel"
          preferences={{ pageSize, visibleContent: visible }}
          pageSizePreference={{ title: "Page size", options: [20, 50, 100].map((value) => ({ value, label: `${value} databases` })) }}
          visibleContentPreference={{
            title: "Columns",
            options: [
              {
                label: "Properties",
                options: columns.map(({ id, header }) => ({ id: id ?? "", label: typeof header === "string" ? header : "", editable: id !== "identifier" })),
              },
            ],
          }}
          onConfirm={({ detail }) => {
            setPageSize(detail.pageSize ?? pageSize);
            setVisible([...(detail.visibleContent ?? visible)]);
          }}
        />
      }
    />
  );
}

function Empty({ mayChange, region }: { mayChange: boolean; region: string }) {
  return (
    <SpaceBetween size="s" alignItems="center">
      <Box variant="strong">No databases</Box>
      <Box color="text-body-secondary">There is no database in {region} yet.</Box>
      {mayChange && <Button href={hrefOf({ page: "create", region })}>Create database</Button>}
    </SpaceBetween>
  );
}
