import type { DBInstance } from "@aws-sdk/client-rds";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import Alert from "@cloudscape-design/components/alert";
import type { ReactNode } from "react";
import { type DatabaseTab, databaseTabs, hrefOf } from "../../app/routes";
import { goTo } from "../../app/useRoute";
import { useMayChange, useRegion } from "../../data/RegionContext";
import { useInstance } from "../../data/useInstance";
import { useNow } from "../../data/useNow";
import { engineName } from "../../model/engine";
import { readProblem } from "../../model/rotation";
import { makeRow } from "../../model/row";
import { Expiry, InstanceStatus, RotationStatus } from "../../parts/status";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { ConfigurationTab } from "./ConfigurationTab";
import { ConnectivityTab } from "./ConnectivityTab";
import { DatabaseActions } from "./DatabaseActions";
import { EventsTab } from "./EventsTab";
import { MaintenanceTab } from "./MaintenanceTab";
import { TagsTab } from "./TagsTab";

const often = 3000; // ms

export interface TabProps {
  instance: DBInstance;
  refresh: () => Promise<void>;
}

const tabs: Record<DatabaseTab, { label: string; Content: (props: TabProps) => ReactNode }> = {
  connectivity: { label: "Connectivity & security", Content: ConnectivityTab },
  events: { label: "Logs & events", Content: EventsTab },
  maintenance: { label: "Maintenance", Content: MaintenanceTab },
  configuration: { label: "Configuration", Content: ConfigurationTab },
  tags: { label: "Tags", Content: TagsTab },
};

export function DatabasePage({ identifier, tab }: { identifier: string; tab: DatabaseTab }) {
  const { region } = useRegion();
  const mayChange = useMayChange();
  const { data, error, refresh } = useInstance(identifier, often);
  if (!data)
    return error === undefined ? (
      <Loading />
    ) : (
      <Failure error={error} action={<Button onClick={() => void refresh()}>Try again</Button>} />
    );

  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={() => void refresh()} />
            {mayChange && <DatabaseActions instance={data} refresh={refresh} />}
          </SpaceBetween>
        }
      >
        {identifier}
      </Header>
      {error !== undefined && <Failure error={error} />}
      <Summary instance={data} />
      <Tabs
        ariaLabel="Database details"
        activeTabId={tab}
        onChange={({ detail }) => detail.activeTabHref && goTo(detail.activeTabHref)}
        tabs={databaseTabs.map((id) => {
          const { label, Content } = tabs[id];
          const href = hrefOf({ page: "database", region: region.name, identifier, tab: id });
          return { id, label, href, content: id === tab && <Content instance={data} refresh={refresh} /> };
        })}
      />
    </SpaceBetween>
  );
}

function Summary({ instance }: { instance: DBInstance }) {
  const now = useNow();
  const row = makeRow(instance);
  const problem = readProblem(instance.StatusInfos);
  return (
    <Container header={<Header variant="h2">Summary</Header>}>
      <SpaceBetween size="m">
        {problem && (
          <Alert type="error" header="The agent says">
            {problem}
          </Alert>
        )}
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Status", value: <InstanceStatus status={row.status} /> },
            { label: "Engine", value: `${engineName(row.engine)} ${row.version}` },
            { label: "Size", value: row.instanceClass },
            { label: "Region & AZ", value: instance.AvailabilityZone ?? "-" },
            { label: "Certificate authority", value: row.authority },
            { label: "Certificate expires", value: <Expiry expires={row.expires} now={now} /> },
            { label: "Certificate rotation", value: <RotationStatus state={row.rotation} /> },
            { label: "Pending certificate authority", value: row.pendingAuthority || "-" },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
