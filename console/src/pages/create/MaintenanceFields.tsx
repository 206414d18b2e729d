import type { DBEngineVersion } from "@aws-sdk/client-rds";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ParameterGroupField, TextField } from "../../parts/fields";
import { WindowFields } from "../../parts/WindowFields";
import type { FieldsProps } from "./CreatePage";

export function MaintenanceFields({ wish, change, version }: FieldsProps & { version: DBEngineVersion | undefined }) {
  return (
    <SpaceBetween size="m">
      <TextField
        label="Initial database name"
        description="Left empty, only the engine's own are there."
        value={wish.database}
        onChange={(database) => change({ database })}
      />
      <ParameterGroupField
        family={version?.DBParameterGroupFamily}
        value={wish.parameterGroup}
        onChange={(parameterGroup) => change({ parameterGroup })}
      />
      <FormField label="Maintenance window" description="When pending changes and rotations of the certificate are done.">
        <RadioGroup
          value={wish.window ? "choose" : "none"}
          items={[
            { value: "none", label: "No preference" },
            { value: "choose", label: "Choose a window" },
          ]}
          onChange={({ detail }) =>
            change({ window: detail.value === "choose" ? { day: 0, hour: 3, minute: 0, length: 30 } : undefined })
          }
        />
      </FormField>
      {wish.window && <WindowFields value={wish.window} onChange={(window) => change({ window })} />}
      <Checkbox
        checked={wish.deletionProtection}
        description="The database cannot be deleted while it is on."
        onChange={({ detail }) => change({ deletionProtection: detail.checked })}
      >
        Enable deletion protection
      </Checkbox>
    </SpaceBetween>
  );
}
