import type { DBInstance } from "@aws-sdk/client-rds";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Icon from "@cloudscape-design/components/icon";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useRegion } from "../../data/RegionContext";
import { type Link, chainOf, colons } from "../../model/chain";
import { readServerCertificate } from "../../model/rotation";
import { formatDate } from "../../model/time";
import { digestOf } from "../../model/trust";
import { Copyable } from "../../parts/Copyable";

/** From the root down to what the server shows. */
export function ChainView({ instance }: { instance: DBInstance }) {
  const { index } = useRegion();
  const served = readServerCertificate(instance.StatusInfos);
  const host = instance.Endpoint?.Address ?? "";
  const links = served ? chainOf(served, host, instance.CertificateDetails?.ValidTill, index.data) : [];
  return (
    <Container
      header={
        <Header variant="h2" description="As seen on the wire; clients need the root alone.">
          Certificate chain
        </Header>
      }
    >
      {links.length === 0 ? (
        <StatusIndicator type="pending">No certificate is served yet.</StatusIndicator>
      ) : (
        <ol className="chain">
          {links.map((link) => (
            <ChainLink key={link.sha256} link={link} />
          ))}
        </ol>
      )}
      {served && served.bridges.length > 0 && (
        <Box color="text-body-secondary" padding={{ top: "s" }}>
          <Icon name="share" /> Bridged: clients that trust only {served.bridges.join(" or ")} still verify this server.
        </Box>
      )}
      {served && links.length < 3 && index.error !== undefined && (
        <StatusIndicator type="warning">The certificates above it are not known yet: the region&apos;s authorities are being made.</StatusIndicator>
      )}
    </Container>
  );
}

function ChainLink({ link }: { link: Link }) {
  const { role, name, sha256, serial, validFrom, validTill, key, signature } = link;
  const date = (text: string | undefined) => formatDate(text ? new Date(text) : undefined);
  return (
    <li>
      <Box variant="awsui-key-label">{role}</Box>
      <Box variant="strong">{name}</Box>
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Valid", value: `${date(validFrom)} to ${date(validTill)}` },
          { label: "Key and signature", value: key ? `${key}, ${digestOf(signature ?? "")}` : "-" },
          { label: "Serial number", value: <span className="fingerprint">{serial}</span> },
        ]}
      />
      <Box variant="awsui-key-label">SHA-256 fingerprint</Box>
      <span className="fingerprint">
        <Copyable text={colons(sha256)} name={`fingerprint of ${name}`} />
      </span>
    </li>
  );
}
