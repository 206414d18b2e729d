import type { DBInstance } from "@aws-sdk/client-rds";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useRegion } from "../../data/RegionContext";
import { bundlePath } from "../../data/trust";
import { type Target, bundleCommand, clientCommands } from "../../model/commands";
import { CopyableCommand } from "../../parts/Copyable";

/** What to type to connect, with the server verified. */
export function ClientCommands({ instance }: { instance: DBInstance }) {
  const { region } = useRegion();
  const [chosen, setChosen] = useState("");
  const { Address: host, Port: port } = instance.Endpoint ?? {};
  if (!host || !port)
    return (
      <Container header={<Header variant="h2">Connect</Header>}>
        <StatusIndicator type="pending">There is no endpoint yet.</StatusIndicator>
      </Container>
    );
  const target: Target = {
    engine: instance.Engine ?? "",
    host,
    port,
    user: instance.MasterUsername ?? "",
    database: instance.DBName ?? "",
    origin: window.location.origin,
    bundlePath: bundlePath(region, "pem"),
  };
  const commands = clientCommands(target);
  const options = commands.map(({ id, name }) => ({ value: id, label: name }));
  const command = commands.find(({ id }) => id === chosen) ?? commands[0];
  return (
    <Container header={<Header variant="h2">Connect</Header>}>
      <SpaceBetween size="m">
        <div>
          <Box variant="awsui-key-label">Fetch the bundle once</Box>
          <CopyableCommand name="bundle" text={bundleCommand(target)} />
          <Box variant="small" color="text-body-secondary">
            SEALWRIGHT_CA comes from . run/env.sh: the CA of this server&apos;s own address.
          </Box>
        </div>
        {command && (
          <>
            <FormField label="Client">
              <Select
                selectedOption={options.find(({ value }) => value === command.id) ?? null}
                options={options}
                onChange={({ detail }) => setChosen(detail.selectedOption.value ?? "")}
              />
            </FormField>
            <div>
              <Box variant="awsui-key-label">Connect</Box>
              <CopyableCommand name={command.id} text={command.text} />
              {command.note && (
                <Box variant="small" color="text-body-secondary">
                  {command.note}
                </Box>
              )}
            </div>
          </>
        )}
      </SpaceBetween>
    </Container>
  );
}
