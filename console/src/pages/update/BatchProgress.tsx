import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useMemo } from "react";
import { hrefOf } from "../../app/routes";
import type { BatchState } from "../../data/batch";
import { useRegion } from "../../data/RegionContext";
import { type BatchProgress as Progress, progressOf } from "../../model/batch";
import type { Row } from "../../model/row";

const looks: Record<Progress, { type: StatusIndicatorProps.Type; text: string }> = {
  waiting: { type: "pending", text: "Waiting" },
  rotating: { type: "in-progress", text: "Rotating" },
  rotated: { type: "success", text: "Rotated" },
  scheduled: { type: "success", text: "Scheduled" },
  undone: { type: "error", text: "Undone" },
  refused: { type: "error", text: "Refused" },
};

interface Props {
  running: BatchState;
  rows: Row[];
  failures: Map<string, string> | undefined;
  onClose: () => void;
}

/** How far the instances of an update are. */
export function BatchProgress({ running, rows, failures, onClose }: Props) {
  const { region } = useRegion();
  const { entries, immediately } = running;
  const steps = useMemo(() => {
    const byIdentifier = new Map(rows.map((row) => [row.identifier, row]));
    return entries.map((entry) => {
      const progress = progressOf(entry, byIdentifier.get(entry.identifier), immediately);
      return { ...entry, progress, problem: progress === "undone" ? (failures?.get(entry.identifier) ?? "") : entry.problem };
    });
  }, [entries, immediately, rows, failures]);
  const count = (...kinds: Progress[]) => steps.filter(({ progress }) => kinds.includes(progress)).length;
  const done = count("rotated", "scheduled");
  const failed = count("undone", "refused");
  const ended = done + failed === steps.length;
  const troubled = steps.filter(({ progress }) => progress === "undone" || progress === "refused");
  return (
    <Container
      header={
        <Header variant="h2" actions={<Button onClick={onClose}>{ended ? "Close" : "Hide"}</Button>}>
          Certificate update
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProgressBar
          value={Math.round(((done + failed) / Math.max(1, steps.length)) * 100)}
          label={immediately ? "Rotated" : "Scheduled"}
          description={`${done} of ${steps.length}${failed ? `, ${failed} failed` : ""}`}
          status={!ended ? "in-progress" : failed ? "error" : "success"}
          resultText={failed ? `${done} done, ${failed} failed` : `All ${steps.length} done`}
        />
        <Table
          variant="embedded"
          items={troubled.length ? troubled : steps.slice(0, 20)}
          trackBy="identifier"
          wrapLines
          ariaLabels={{ tableLabel: "Progress of the certificate update" }}
          columnDefinitions={[
            {
              id: "identifier",
              header: "DB identifier",
              isRowHeader: true,
              cell: ({ identifier }) => (
                <Link href={hrefOf({ page: "database", region: region.name, identifier, tab: "events" })}>{identifier}</Link>
              ),
            },
            {
              id: "progress",
              header: "Progress",
              cell: ({ progress }) => <StatusIndicator type={looks[progress].type}>{looks[progress].text}</StatusIndicator>,
            },
            { id: "problem", header: "Details", cell: ({ problem }) => problem || "-" },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
