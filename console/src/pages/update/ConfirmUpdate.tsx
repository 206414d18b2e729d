import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useRegion } from "../../data/RegionContext";
import { authorityChoices, authorityOption } from "../../model/authority";
import type { Row } from "../../model/row";
import { Confirm } from "../../parts/Confirm";
import { ChoiceField } from "../../parts/fields";

interface Props {
  rows: Row[];
  immediately: boolean;
  onCancel: () => void;
  /** "": as the pending maintenance proposes. */
  onConfirm: (authority: string) => void;
}

const named = 10;

/** As RDS asks: have the clients been updated? */
export function ConfirmUpdate({ rows, immediately, onCancel, onConfirm }: Props) {
  const { certificates, index } = useRegion();
  const [authority, setAuthority] = useState("");
  const [updated, setUpdated] = useState(false);
  const { Certificates = [], DefaultCertificateForNewLaunches } = certificates.data ?? {};
  const choices = authorityChoices(Certificates, DefaultCertificateForNewLaunches, undefined, index.data).map(authorityOption);
  const count = `${rows.length.toLocaleString("en")} database${rows.length === 1 ? "" : "s"}`;
  const names = rows.slice(0, named).map(({ identifier }) => identifier);
  return (
    <Confirm
      title={immediately ? `Update the certificates of ${count} now?` : `Schedule the certificate update of ${count}?`}
      verb={immediately ? "Apply now" : "Schedule"}
      disabled={!updated}
      onCancel={onCancel}
      onConfirm={() => onConfirm(authority)}
    >
      <SpaceBetween size="m">
        <div>
          <Box>
            {names.join(", ")}
            {rows.length > named ? ` and ${rows.length - named} more` : ""}
          </Box>
          <Box color="text-body-secondary">
            {immediately
              ? "Engines that need a restart for a new certificate are restarted at once."
              : "Each is updated in its own next maintenance window."}
          </Box>
        </div>
        <ChoiceField
          label="Certificate authority"
          value={authority}
          options={[
            {
              value: "",
              label: "As proposed",
              description: "What the pending maintenance says; without any, a new certificate of the same authority",
            },
            ...choices,
          ]}
          onChange={setAuthority}
        />
        <Alert type="warning">
          Before you update, install the new CA certificates on every client that connects with SSL/TLS. Otherwise those clients
          lose their connection to the database.
        </Alert>
        <Checkbox checked={updated} onChange={({ detail }) => setUpdated(detail.checked)}>
          I have updated the trust stores of my clients
        </Checkbox>
      </SpaceBetween>
    </Confirm>
  );
}
