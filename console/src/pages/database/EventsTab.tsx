import { DescribeEventsCommand, type Event } from "@aws-sdk/client-rds";
import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useCallback } from "react";
import { eachPage } from "../../api/pages";
import { useRegion } from "../../data/RegionContext";
import { useLive } from "../../data/useLive";
import { formatMoment } from "../../model/time";
import { Failure } from "../../parts/Failure";
import type { TabProps } from "./DatabasePage";

const twoWeeks = 14 * 24 * 60; // minutes: events live that long
const often = 5000; // ms

const columns: TableProps.ColumnDefinition<Event>[] = [
  { id: "time", header: "Time", cell: ({ Date: moment }) => formatMoment(moment), sortingField: "Date", minWidth: 170, isRowHeader: true },
  { id: "category", header: "Category", cell: ({ EventCategories }) => EventCategories?.join(", ") ?? "-", minWidth: 140 },
  { id: "message", header: "Event", cell: ({ Message }) => Message, minWidth: 300 },
];

/** What has happened to the instance in the last two weeks, the newest first. */
export function EventsTab({ instance }: TabProps) {
  const { client } = useRegion();
  const identifier = instance.DBInstanceIdentifier ?? "";
  const { data, error, loading } = useLive(
    useCallback(
      async (signal: AbortSignal) => {
        const events: Event[] = [];
        await eachPage(
          (Marker) =>
            client.send(
              new DescribeEventsCommand({ SourceType: "db-instance", SourceIdentifier: identifier, Duration: twoWeeks, Marker }),
              { abortSignal: signal },
            ),
          (page) => events.push(...(page.Events ?? [])),
          signal,
        );
        return events;
      },
      [client, identifier],
    ),
    often,
  );
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount } = useCollection(data ?? [], {
    filtering: {
      filteringFunction: ({ Message, EventCategories }, text) =>
        [Message, ...(EventCategories ?? [])].some((part) => part?.toLowerCase().includes(text.toLowerCase())),
      empty: <Box variant="strong">No events</Box>,
      noMatch: <Box variant="strong">No event matches</Box>,
    },
    pagination: { pageSize: 20 },
    sorting: { defaultState: { sortingColumn: { sortingField: "Date" }, isDescending: true } },
  });
  return (
    <Table
      {...collectionProps}
      items={items}
      columnDefinitions={columns}
      loading={loading}
      loadingText="Loading events"
      wrapLines
      ariaLabels={{ tableLabel: "Events" }}
      header={
        <>
          {error !== undefined && <Failure error={error} />}
          <Header variant="h2" counter={`(${data?.length ?? 0})`} description="Of the last 14 days.">
            Recent events
          </Header>
        </>
      }
      filter={
        <TextFilter
          {...filterProps}
          filteringPlaceholder="Filter events"
          filteringAriaLabel="Filter events"
          countText={`${filteredItemsCount ?? 0} matches`}
        />
      }
      pagination={<Pagination {...paginationProps} />}
    />
  );
}
