import ColumnLayout from "@cloudscape-design/components/column-layout";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ChoiceField, TextField } from "../../parts/fields";
import type { FieldsProps } from "./CreatePage";
import type { Offer } from "./choices";

interface Props extends FieldsProps {
  offer: Offer;
  loading: boolean;
}

export function SettingsFields({ wish, problems, change, offer: { classes, licenses }, loading }: Props) {
  return (
    <SpaceBetween size="m">
      <TextField
        label="DB instance identifier"
        description="Unique in this region; it becomes part of the endpoint."
        value={wish.identifier}
        error={problems.identifier ?? ""}
        onChange={(identifier) => change({ identifier })}
      />
      <TextField label="Master username" value={wish.username} error={problems.username ?? ""} onChange={(username) => change({ username })} />
      <ColumnLayout columns={2}>
        <TextField
          label="Master password"
          type="password"
          autoComplete="new-password"
          value={wish.password}
          error={problems.password ?? ""}
          onChange={(password) => change({ password })}
        />
        <TextField
          label="Confirm master password"
          type="password"
          autoComplete="new-password"
          value={wish.confirmation}
          error={problems.confirmation ?? ""}
          onChange={(confirmation) => change({ confirmation })}
        />
      </ColumnLayout>
      <ColumnLayout columns={2}>
        <ChoiceField
          label="DB instance class"
          value={wish.instanceClass}
          loading={loading}
          options={classes.map((value) => ({ value, label: value }))}
          onChange={(instanceClass) => change({ instanceClass })}
        />
        <TextField
          label="Allocated storage (GiB)"
          inputMode="numeric"
          value={wish.storage}
          error={problems.storage ?? ""}
          onChange={(storage) => change({ storage })}
        />
      </ColumnLayout>
      {licenses.length > 1 && (
        <ChoiceField
          label="License"
          value={wish.license}
          options={licenses.map((value) => ({ value, label: value }))}
          onChange={(license) => change({ license })}
        />
      )}
    </SpaceBetween>
  );
}
