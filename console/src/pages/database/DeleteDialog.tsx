import { type DBInstance, DeleteDBInstanceCommand } from "@aws-sdk/client-rds";
import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNotices } from "../../app/notices";
import { go } from "../../app/useRoute";
import { useRegion } from "../../data/RegionContext";
import { Confirm } from "../../parts/Confirm";

const phrase = "delete me";

/** Deletes an instance, once that was typed out. */
export function DeleteDialog({ instance, onClose }: { instance: DBInstance; onClose: () => void }) {
  const { region, client, fleet } = useRegion();
  const { tell, tellFailure } = useNotices();
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const identifier = instance.DBInstanceIdentifier ?? "";
  const remove = async () => {
    setBusy(true);
    try {
      await client.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }));
      tell("info", `Deleting ${identifier}`);
      go({ page: "databases", region: region.name });
      await fleet.touch([identifier]);
    } catch (error) {
      tellFailure(`${identifier} was not deleted`, error);
      onClose();
    }
  };
  return (
    <Confirm
      title={`Delete ${identifier}?`}
      verb="Delete"
      disabled={typed !== phrase}
      busy={busy}
      onCancel={onClose}
      onConfirm={() => void remove()}
    >
      <SpaceBetween size="m">
        <Alert type="warning">The database and all its data are removed. No snapshot is made.</Alert>
        <FormField label={`To confirm, type: ${phrase}`}>
          <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} autoComplete={false} />
        </FormField>
      </SpaceBetween>
    </Confirm>
  );
}
