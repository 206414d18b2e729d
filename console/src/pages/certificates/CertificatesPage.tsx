import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useFleet, useRegion } from "../../data/RegionContext";
import { useNow } from "../../data/useNow";
import { Failure } from "../../parts/Failure";
import { AuthoritiesTable } from "./AuthoritiesTable";
import { Bundles } from "./Bundles";
import { AuthorityChart, DaysLeftChart } from "./FleetCharts";
import { TimelineView } from "./TimelineView";

/** The region's certificate authorities, and how the fleet stands to them. */
export default function CertificatesPage() {
  const { region, certificates, index } = useRegion();
  const { rows, complete } = useFleet();
  const now = useNow();
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={`Of ${region.title} (${region.name}).`}>
        Certificates
      </Header>
      {certificates.error !== undefined && <Failure error={certificates.error} />}
      <AuthoritiesTable />
      <Container
        header={
          <Header variant="h2" description="Roots, and below each the subordinates that sign server certificates.">
            Validity
          </Header>
        }
      >
        {index.data ? (
          <TimelineView index={index.data} now={now} />
        ) : index.error !== undefined ? (
          <StatusIndicator type="pending">The region&apos;s authorities are still being made.</StatusIndicator>
        ) : (
          <StatusIndicator type="loading">Loading</StatusIndicator>
        )}
      </Container>
      <ColumnLayout columns={2}>
        <Container header={<Header variant="h2">Databases by certificate authority</Header>}>
          <AuthorityChart rows={rows} complete={complete} />
        </Container>
        <Container header={<Header variant="h2">Databases by days to expiry</Header>}>
          <DaysLeftChart rows={rows} complete={complete} now={now} />
        </Container>
      </ColumnLayout>
      <Bundles />
      <Box variant="small" color="text-body-secondary">
        Trust roots only, if you can: a renewal may come from another subordinate.
      </Box>
    </SpaceBetween>
  );
}
