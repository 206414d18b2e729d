import type { DBInstance } from "@aws-sdk/client-rds";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type SubmitEvent, useState } from "react";
import { hrefOf } from "../../app/routes";
import { useEngineVersions, useOrderableOptions } from "../../data/engines";
import { useRegion } from "../../data/RegionContext";
import { type ModifyWish, changesOf, modifyProblems } from "../../model/modify";
import { AuthorityField } from "../../parts/AuthorityField";
import { ChoiceField, ParameterGroupField, TextField } from "../../parts/fields";
import { WindowFields } from "../../parts/WindowFields";

interface Props {
  instance: DBInstance;
  wish: ModifyWish;
  onChange: (part: Partial<ModifyWish>) => void;
  onContinue: () => void;
}

export function ModifyForm({ instance, wish, onChange, onContinue }: Props) {
  const { region } = useRegion();
  const versions = useEngineVersions();
  const options = useOrderableOptions(instance.Engine ?? "", instance.EngineVersion ?? "");
  const [told, setTold] = useState("");
  const problems = modifyProblems(wish);
  const version = versions.data?.find(
    ({ Engine, EngineVersion }) => Engine === instance.Engine && EngineVersion === instance.EngineVersion,
  );
  const classes = [...new Set([wish.instanceClass, ...(options.data ?? []).map(({ DBInstanceClass = "" }) => DBInstanceClass)])];
  const identifier = instance.DBInstanceIdentifier ?? "";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (Object.keys(problems).length) setTold("Some of what was given cannot be taken: see above.");
    else if (changesOf(instance, wish).length === 0) setTold("Nothing is changed.");
    else onContinue();
  };

  return (
    <form onSubmit={submit} noValidate>
      <Form
        header={<Header variant="h1">Modify DB instance: {identifier}</Header>}
        errorText={told}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="link"
              formAction="none"
              href={hrefOf({ page: "database", region: region.name, identifier, tab: "connectivity" })}
            >
              Cancel
            </Button>
            <Button variant="primary">Continue</Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Connectivity</Header>}>
            <SpaceBetween size="m">
              <AuthorityField
                value={wish.authority}
                supported={version?.SupportedCACertificateIdentifiers}
                onChange={(authority) => onChange({ authority })}
              />
              {version && !version.SupportsCertificateRotationWithoutRestart && (
                <Checkbox
                  checked={wish.withoutRestart}
                  description="This engine takes a new certificate with a restart. Checked, the certificate waits for the next one."
                  onChange={({ detail }) => onChange({ withoutRestart: detail.checked })}
                >
                  Do not restart the database for the certificate
                </Checkbox>
              )}
              <TextField
                label="Database port"
                inputMode="numeric"
                value={wish.port}
                error={problems.port ?? ""}
                onChange={(port) => onChange({ port })}
              />
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Settings</Header>}>
            <SpaceBetween size="m">
              <TextField
                label="DB instance identifier"
                description="A new one changes the endpoint, and so the certificate's name."
                value={wish.identifier}
                onChange={(value) => onChange({ identifier: value })}
              />
              <ColumnLayout columns={2}>
                <TextField
                  label="New master password"
                  type="password"
                  autoComplete="new-password"
                  placeholder="Unchanged"
                  value={wish.password}
                  error={problems.password ?? ""}
                  onChange={(password) => onChange({ password })}
                />
                <TextField
                  label="Confirm master password"
                  type="password"
                  autoComplete="new-password"
                  placeholder="Unchanged"
                  value={wish.confirmation}
                  error={problems.confirmation ?? ""}
                  onChange={(confirmation) => onChange({ confirmation })}
                />
                <ChoiceField
                  label="DB instance class"
                  value={wish.instanceClass}
                  options={classes.map((value) => ({ value, label: value }))}
                  onChange={(instanceClass) => onChange({ instanceClass })}
                />
                <TextField
                  label="Allocated storage (GiB)"
                  inputMode="numeric"
                  value={wish.storage}
                  error={problems.storage ?? ""}
                  onChange={(storage) => onChange({ storage })}
                />
              </ColumnLayout>
              <ParameterGroupField
                family={version?.DBParameterGroupFamily}
                value={wish.parameterGroup}
                onChange={(parameterGroup) => onChange({ parameterGroup })}
              />
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Maintenance</Header>}>
            <SpaceBetween size="m">
              <WindowFields value={wish.window} onChange={(window) => onChange({ window })} />
              <Checkbox
                checked={wish.deletionProtection}
                onChange={({ detail }) => onChange({ deletionProtection: detail.checked })}
              >
                Enable deletion protection
              </Checkbox>
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
