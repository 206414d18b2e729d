import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { engineName } from "../../model/engine";
import { formatMoment } from "../../model/time";
import { Copyable } from "../../parts/Copyable";
import type { TabProps } from "./DatabasePage";

export function ConfigurationTab({ instance }: TabProps) {
  const groups = instance.DBParameterGroups?.map(
    ({ DBParameterGroupName, ParameterApplyStatus }) => `${DBParameterGroupName ?? ""} (${ParameterApplyStatus ?? ""})`,
  );
  const options = instance.OptionGroupMemberships?.map(
    ({ OptionGroupName, Status }) => `${OptionGroupName ?? ""} (${Status ?? ""})`,
  );
  return (
    <Container header={<Header variant="h2">Instance</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          {
            type: "group",
            title: "Configuration",
            items: [
              { label: "DB instance ID", value: instance.DBInstanceIdentifier ?? "-" },
              { label: "Engine", value: engineName(instance.Engine ?? "") },
              { label: "Engine version", value: instance.EngineVersion ?? "-" },
              { label: "License model", value: instance.LicenseModel ?? "-" },
              { label: "DB name", value: instance.DBName ?? "-" },
              { label: "Created", value: formatMoment(instance.InstanceCreateTime) },
            ],
          },
          {
            type: "group",
            title: "Groups and names",
            items: [
              { label: "Parameter groups", value: groups?.join(", ") ?? "-" },
              { label: "Option groups", value: options?.join(", ") ?? "-" },
              { label: "Master username", value: instance.MasterUsername ?? "-" },
              { label: "Deletion protection", value: instance.DeletionProtection ? "Enabled" : "Disabled" },
              { label: "Resource ID", value: instance.DbiResourceId ?? "-" },
              { label: "ARN", value: <Copyable text={instance.DBInstanceArn ?? ""} name="ARN" /> },
            ],
          },
          {
            type: "group",
            title: "Class and storage",
            items: [
              { label: "DB instance class", value: instance.DBInstanceClass ?? "-" },
              { label: "Storage type", value: instance.StorageType ?? "-" },
              { label: "Storage", value: `${instance.AllocatedStorage ?? "-"} GiB` },
            ],
          },
        ]}
      />
    </Container>
  );
}
