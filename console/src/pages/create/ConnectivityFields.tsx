import type { DBEngineVersion } from "@aws-sdk/client-rds";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { AuthorityField } from "../../parts/AuthorityField";
import { TextField } from "../../parts/fields";
import type { FieldsProps } from "./CreatePage";

export function ConnectivityFields({ wish, problems, change, version }: FieldsProps & { version: DBEngineVersion | undefined }) {
  return (
    <SpaceBetween size="m">
      <AuthorityField
        value={wish.authority}
        supported={version?.SupportedCACertificateIdentifiers}
        onChange={(authority) => change({ authority })}
      />
      <TextField
        label="Database port"
        description="Left empty, a free one is taken where several databases share a host."
        inputMode="numeric"
        value={wish.port}
        error={problems.port ?? ""}
        onChange={(port) => change({ port })}
      />
    </SpaceBetween>
  );
}
