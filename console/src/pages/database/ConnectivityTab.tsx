import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useRegion } from "../../data/RegionContext";
import { formatMoment } from "../../model/time";
import { BundleButtons } from "../../parts/BundleButtons";
import { Copyable } from "../../parts/Copyable";
import { ChainView } from "./ChainView";
import { ClientCommands } from "./ClientCommands";
import type { TabProps } from "./DatabasePage";

export function ConnectivityTab({ instance }: TabProps) {
  const { certificates } = useRegion();
  const { Endpoint: endpoint, CACertificateIdentifier: authority, CertificateDetails: details } = instance;
  const root = certificates.data?.Certificates?.find((each) => each.CertificateIdentifier === authority);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Connectivity & security</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            {
              type: "group",
              title: "Endpoint & port",
              items: [
                { label: "Endpoint", value: endpoint?.Address ? <Copyable text={endpoint.Address} name="endpoint" /> : "-" },
                { label: "Port", value: endpoint?.Port ?? "-" },
              ],
            },
            {
              type: "group",
              title: "Networking",
              items: [
                { label: "Availability Zone", value: instance.AvailabilityZone ?? "-" },
                { label: "Network type", value: instance.NetworkType ?? "-" },
                { label: "Publicly accessible", value: instance.PubliclyAccessible ? "Yes" : "No" },
              ],
            },
            {
              type: "group",
              title: "Security",
              items: [
                { label: "Certificate authority", value: authority ?? "-" },
                { label: "Certificate authority date", value: formatMoment(root?.ValidTill) },
                { label: "DB instance certificate expiration date", value: formatMoment(details?.ValidTill) },
              ],
            },
          ]}
        />
      </Container>
      <ChainView instance={instance} />
      <ClientCommands instance={instance} />
      <Container
        header={
          <Header variant="h2" description="The certificates of this region's authorities: what clients of its databases have to trust.">
            Certificate bundle
          </Header>
        }
      >
        <BundleButtons />
        <Box variant="small" color="text-body-secondary">
          The password of .jks and .p12 is changeit.
        </Box>
      </Container>
    </SpaceBetween>
  );
}
