import { type Certificate, ModifyCertificatesCommand, type ModifyCertificatesCommandInput } from "@aws-sdk/client-rds";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { useNotices } from "../../app/notices";
import { useMayChange, useRegion } from "../../data/RegionContext";
import { formatDate } from "../../model/time";
import { digestOf, rootOf } from "../../model/trust";
import { Confirm } from "../../parts/Confirm";
import { Fingerprint } from "../../parts/Fingerprint";

/** The CAs, which is the default for new databases, and its override. */
export function AuthoritiesTable() {
  const { client, certificates, index } = useRegion();
  const { tell, tellFailure } = useNotices();
  const mayChange = useMayChange();
  const [selected, setSelected] = useState("");
  const [confirming, setConfirming] = useState(false);
  const { Certificates: items = [], DefaultCertificateForNewLaunches: standard } = certificates.data ?? {};
  const override = items.find(({ CustomerOverride }) => CustomerOverride);
  const root = (certificate: Certificate) => index.data && rootOf(index.data, certificate.CertificateIdentifier ?? "");

  const modify = async (input: ModifyCertificatesCommandInput, done: string) => {
    setConfirming(false);
    try {
      await client.send(new ModifyCertificatesCommand(input));
      tell("success", done);
      setSelected("");
    } catch (error) {
      tellFailure("The default was not changed", error);
    }
    await certificates.refresh();
  };

  return (
    <>
      <Table
        items={items}
        trackBy="CertificateIdentifier"
        {...(mayChange ? { selectionType: "single" as const } : {})}
        selectedItems={items.filter(({ CertificateIdentifier }) => CertificateIdentifier === selected)}
        onSelectionChange={({ detail }) => setSelected(detail.selectedItems[0]?.CertificateIdentifier ?? "")}
        loading={certificates.loading}
        loadingText="Loading certificate authorities"
        wrapLines
        ariaLabels={{
          tableLabel: "Certificate authorities",
          selectionGroupLabel: "Certificate authorities",
          itemSelectionLabel: (_, { CertificateIdentifier }) => `Select ${CertificateIdentifier ?? ""}`,
        }}
        empty={<Box color="text-body-secondary">No authority is made yet: they follow in the background.</Box>}
        header={
          <Header
            variant="h2"
            counter={`(${items.length})`}
            description="New databases get the default, unless another is chosen for them."
            actions={
              mayChange && (
                <SpaceBetween direction="horizontal" size="xs">
                  {override && (
                    <Button onClick={() => void modify({ RemoveCustomerOverride: true }, "The override was removed")}>
                      Remove override
                    </Button>
                  )}
                  <Button disabled={!selected || selected === standard} onClick={() => setConfirming(true)}>
                    Make it the default
                  </Button>
                </SpaceBetween>
              )
            }
          >
            Certificate authorities
          </Header>
        }
        columnDefinitions={[
          {
            id: "identifier",
            header: "Certificate authority",
            isRowHeader: true,
            minWidth: 180,
            cell: ({ CertificateIdentifier, CustomerOverride }) => (
              <SpaceBetween direction="horizontal" size="xs">
                <span>{CertificateIdentifier}</span>
                {CertificateIdentifier === standard && <Badge color="blue">Default</Badge>}
                {CustomerOverride && <Badge>Override</Badge>}
              </SpaceBetween>
            ),
          },
          { id: "key", header: "Key", minWidth: 110, cell: (certificate) => root(certificate)?.key ?? "-" },
          { id: "signature", header: "Signature", cell: (certificate) => digestOf(root(certificate)?.signature ?? "-") },
          { id: "from", header: "Valid from", minWidth: 125, cell: ({ ValidFrom }) => formatDate(ValidFrom) },
          { id: "till", header: "Valid till", minWidth: 125, cell: ({ ValidTill }) => formatDate(ValidTill) },
          {
            id: "thumbprint",
            header: "Thumbprint (SHA-1)",
            cell: ({ Thumbprint = "" }) => <Fingerprint hexadecimal={Thumbprint} />,
          },
        ]}
      />
      {confirming && (
        <Confirm
          title={`Make ${selected} the default?`}
          verb="Make it the default"
          onCancel={() => setConfirming(false)}
          onConfirm={() => void modify({ CertificateIdentifier: selected }, `${selected} is the default for new databases`)}
        >
          Databases that are there keep their certificate authority. Clients of new ones must trust {selected}.
        </Confirm>
      )}
    </>
  );
}
