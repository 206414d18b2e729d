import Button from "@cloudscape-design/components/button";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import { useRegion } from "../../data/RegionContext";
import { bundlePath, rootPath } from "../../data/trust";

interface File {
  name: string;
  what: string;
  path: string;
  sha256: string;
}

const formats = { pem: "PEM", p7b: "PKCS7", p12: "PKCS12 (password changeit)", jks: "JKS (password changeit)" };

/** What clients have to trust, in every format, and each root alone. */
export function Bundles() {
  const { region, index, certificates } = useRegion();
  const name = (path: string) => path.replace(/^.*\//, "");
  const bundles = (Object.keys(formats) as (keyof typeof formats)[]).map((format): File => {
    const path = bundlePath(region, format);
    const sha256 = index.data?.bundles.find((bundle) => bundle.format === format)?.sha256 ?? "-";
    return { name: name(path), what: `All of the region, ${formats[format]}`, path, sha256 };
  });
  const roots = (certificates.data?.Certificates ?? []).map(({ CertificateIdentifier = "" }): File => {
    const path = rootPath(region, CertificateIdentifier);
    return { name: name(path), what: `The root of ${CertificateIdentifier}, PEM`, path, sha256: "-" };
  });
  const partition = region.partition === "aws" ? "" : `/${region.partition}`;
  const global = (["pem", "p7b"] as const).map((format): File => {
    const path = `${partition}/global/global-bundle.${format}`;
    return { name: name(path), what: `All regions of ${region.partition}, ${formats[format]}`, path, sha256: "-" };
  });
  return (
    <Table
      items={[...bundles, ...global, ...roots]}
      trackBy="name"
      wrapLines
      header={
        <Header variant="h2" description="What clients have to trust.">
          Bundles
        </Header>
      }
      ariaLabels={{ tableLabel: "Bundles" }}
      columnDefinitions={[
        { id: "what", header: "Content", isRowHeader: true, cell: ({ what }) => what },
        {
          id: "file",
          header: "File",
          cell: (file) => (
            <Button variant="inline-link" iconName="download" href={file.path} download={file.name}>
              {file.name}
            </Button>
          ),
        },
        {
          id: "sha256",
          header: "SHA-256 of the file",
          cell: ({ sha256 }) => (sha256 === "-" ? <Box>-</Box> : <span className="fingerprint">{sha256}</span>),
        },
      ]}
    />
  );
}
