import type { DBEngineVersion } from "@aws-sdk/client-rds";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { Live } from "../../data/useLive";
import { engineName } from "../../model/engine";
import { ChoiceField } from "../../parts/fields";
import { versionsOf } from "./choices";
import type { FieldsProps } from "./CreatePage";

export function EngineFields({ wish, change, versions }: FieldsProps & { versions: Live<DBEngineVersion[]> }) {
  const known = versions.data ?? [];
  const engines = [...new Set(known.map(({ Engine = "" }) => Engine))];
  const ofEngine = versionsOf(known, wish.engine);
  const chosen = ofEngine.find(({ EngineVersion }) => EngineVersion === wish.version);
  if (versions.data && engines.length === 0)
    return <StatusIndicator type="warning">No database host of this region has reported which engines it has.</StatusIndicator>;
  return (
    <SpaceBetween size="m">
      <ChoiceField
        label="Engine"
        value={wish.engine}
        loading={versions.loading}
        options={engines.map((engine) => ({ value: engine, label: engineName(engine) }))}
        onChange={(engine) => change({ engine, version: "", instanceClass: "", license: "", parameterGroup: "" })}
      />
      <ChoiceField
        label="Engine version"
        value={wish.version}
        loading={versions.loading}
        options={ofEngine.map(({ EngineVersion = "", DBEngineVersionDescription = "" }) => ({
          value: EngineVersion,
          label: DBEngineVersionDescription || EngineVersion,
        }))}
        onChange={(version) => change({ version, parameterGroup: "" })}
      />
      {chosen && (
        <Box color="text-body-secondary">
          {chosen.SupportsCertificateRotationWithoutRestart
            ? "Its server certificate is rotated without a restart."
            : "It takes a new server certificate with a restart."}
        </Box>
      )}
    </SpaceBetween>
  );
}
