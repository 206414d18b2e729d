import { ApplyPendingMaintenanceActionCommand, type PendingMaintenanceAction } from "@aws-sdk/client-rds";
import Box from "@cloudscape-design/components/box";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useNotices } from "../../app/notices";
import { useMayChange, useRegion } from "../../data/RegionContext";
import { useNow } from "../../data/useNow";
import { pendingChanges } from "../../model/pending";
import { readRotation } from "../../model/rotation";
import { formatDistance, formatMoment } from "../../model/time";
import { describeWindow, nextWindow } from "../../model/window";
import { RotationStatus } from "../../parts/status";
import type { TabProps } from "./DatabasePage";

const optIns = [
  { id: "immediate", text: "Apply now" },
  { id: "next-maintenance", text: "Apply at the next maintenance window" },
  { id: "undo-opt-in", text: "Undo the opt-in" },
];

/** When things are done to the instance, and what waits. */
export function MaintenanceTab({ instance, refresh }: TabProps) {
  const { pending } = useRegion();
  const now = useNow();
  const window = instance.PreferredMaintenanceWindow ?? "";
  const next = nextWindow(window, new Date(now));
  const rotation = readRotation(instance.StatusInfos);
  const changes = pendingChanges(instance);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Maintenance</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Maintenance window", value: describeWindow(window) },
            { label: "Next window", value: next ? `${formatMoment(next)} (${formatDistance(next, now)})` : "-" },
            { label: "Automatic minor version upgrade", value: instance.AutoMinorVersionUpgrade ? "Enabled" : "Disabled" },
            { label: "Certificate rotation", value: <RotationStatus state={rotation.state} /> },
            { label: "Next rotation", value: formatMoment(rotation.next) },
          ]}
        />
      </Container>
      <Table
        items={changes}
        header={
          <Header variant="h2" counter={`(${changes.length})`} description="For the next maintenance window, unless they are under way.">
            Pending modifications
          </Header>
        }
        ariaLabels={{ tableLabel: "Pending modifications" }}
        empty={<Box color="text-body-secondary">Nothing waits.</Box>}
        columnDefinitions={[
          { id: "name", header: "Attribute", cell: ({ name }) => name, isRowHeader: true },
          { id: "value", header: "New value", cell: ({ value }) => value },
        ]}
      />
      <PendingActions actions={pending.data?.get(instance.DBInstanceArn ?? "") ?? []} arn={instance.DBInstanceArn ?? ""} refresh={refresh} />
    </SpaceBetween>
  );
}

interface ActionsProps {
  actions: PendingMaintenanceAction[];
  arn: string;
  refresh: () => Promise<void>;
}

function PendingActions({ actions, arn, refresh }: ActionsProps) {
  const { client, pending } = useRegion();
  const { tell, tellFailure } = useNotices();
  const mayChange = useMayChange();
  const apply = async (ApplyAction: string, OptInType: string) => {
    try {
      await client.send(new ApplyPendingMaintenanceActionCommand({ ResourceIdentifier: arn, ApplyAction, OptInType }));
      tell("success", `${ApplyAction}: ${OptInType}`);
    } catch (error) {
      tellFailure(`${ApplyAction} was not applied`, error);
    }
    await Promise.all([pending.refresh(), refresh()]);
  };
  return (
    <Table
      items={actions}
      header={
        <Header variant="h2" counter={`(${actions.length})`}>
          Pending maintenance
        </Header>
      }
      ariaLabels={{ tableLabel: "Pending maintenance" }}
      empty={<Box color="text-body-secondary">No maintenance is pending.</Box>}
      wrapLines
      columnDefinitions={[
        { id: "action", header: "Action", cell: ({ Action }) => Action, isRowHeader: true, minWidth: 130 },
        { id: "description", header: "Description", cell: ({ Description }) => Description, minWidth: 160 },
        { id: "status", header: "Opted in", cell: ({ OptInStatus }) => OptInStatus ?? "-", minWidth: 115 },
        { id: "when", header: "Applied on", cell: ({ CurrentApplyDate }) => formatMoment(CurrentApplyDate), minWidth: 125 },
        { id: "automatic", header: "By itself after", cell: ({ AutoAppliedAfterDate }) => formatMoment(AutoAppliedAfterDate), minWidth: 140 },
        ...(mayChange
          ? [
              {
                id: "apply",
                header: "Apply",
                minWidth: 160,
                cell: ({ Action = "" }: PendingMaintenanceAction) => (
                  <ButtonDropdown
                    items={optIns}
                    ariaLabel={`Apply ${Action}`}
                    expandToViewport
                    onItemClick={({ detail }) => void apply(Action, detail.id)}
                  >
                    Apply
                  </ButtonDropdown>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}
