import { type DBInstance, ModifyDBInstanceCommand } from "@aws-sdk/client-rds";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { troubleOf } from "../../api/words";
import { useNotices } from "../../app/notices";
import { go } from "../../app/useRoute";
import { useRegion } from "../../data/RegionContext";
import { useNow } from "../../data/useNow";
import { type Change, modifyInput } from "../../model/modify";
import { formatMoment } from "../../model/time";
import { describeWindow, nextWindow } from "../../model/window";

interface Props {
  instance: DBInstance;
  changes: Change[];
  onBack: () => void;
}

/** What will change, and the choice of when. */
export function ModifySummary({ instance, changes, onBack }: Props) {
  const { region, client, fleet } = useRegion();
  const { tell } = useNotices();
  const now = useNow();
  const [when, setWhen] = useState<"window" | "immediately">("window");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const identifier = instance.DBInstanceIdentifier ?? "";
  const window = instance.PreferredMaintenanceWindow ?? "";
  const waiting = changes.filter(({ waits }) => waits);
  const trouble = failure === undefined ? undefined : troubleOf(failure);

  const modify = async () => {
    const immediately = when === "immediately";
    setBusy(true);
    setFailure(undefined);
    try {
      const input = modifyInput(identifier, changes, immediately);
      await client.send(new ModifyDBInstanceCommand(input));
      tell("success", `Modifying ${identifier}`, immediately || waiting.length === 0 ? undefined : "What may wait is done in the maintenance window.");
      const renamed = immediately ? input.NewDBInstanceIdentifier : undefined;
      await fleet.touch([identifier, ...(renamed ? [renamed] : [])]);
      go({ page: "database", region: region.name, identifier: renamed ?? identifier, tab: "connectivity" });
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };

  return (
    <Form
      header={<Header variant="h1">Modify DB instance: {identifier}</Header>}
      errorText={trouble && `${trouble.title}: ${trouble.text}`}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={onBack}>
            Back
          </Button>
          <Button variant="primary" loading={busy} onClick={() => void modify()}>
            Modify DB instance
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        <Table
          items={changes}
          header={
            <Header variant="h2" description="You are about to submit these modifications. Only values that will change are shown.">
              Summary of modifications
            </Header>
          }
          ariaLabels={{ tableLabel: "Summary of modifications" }}
          wrapLines
          columnDefinitions={[
            { id: "name", header: "Attribute", cell: ({ name }) => name, isRowHeader: true },
            { id: "before", header: "Current value", cell: ({ before }) => before || "-" },
            { id: "after", header: "New value", cell: ({ after }) => after || "-" },
            { id: "when", header: "Applied", cell: ({ waits }) => (waits ? "As chosen below" : "At once") },
          ]}
        />
        {waiting.length > 0 && (
          <Container header={<Header variant="h2">Schedule modifications</Header>}>
            <SpaceBetween size="m">
              <FormField label="When to apply modifications">
                <RadioGroup
                  value={when}
                  items={[
                    {
                      value: "window",
                      label: "Apply during the next scheduled maintenance window",
                      description: `${describeWindow(window)}: next on ${formatMoment(nextWindow(window, new Date(now)))}`,
                    },
                    {
                      value: "immediately",
                      label: "Apply immediately",
                      description: "These modifications, and those that were pending before, as soon as possible.",
                    },
                  ]}
                  onChange={({ detail }) => setWhen(detail.value === "immediately" ? "immediately" : "window")}
                />
              </FormField>
              {changes.some(({ input }) => input.CACertificateIdentifier) && (
                <Alert type="warning" header="Do clients trust the new certificate authority?">
                  A client that trusts neither the new root nor the one before it can no longer connect. Give the region&apos;s
                  bundle to all clients first.
                </Alert>
              )}
            </SpaceBetween>
          </Container>
        )}
      </SpaceBetween>
    </Form>
  );
}
