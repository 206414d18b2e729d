import { CreateDBInstanceCommand } from "@aws-sdk/client-rds";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type SubmitEvent, useMemo, useState } from "react";
import { troubleOf } from "../../api/words";
import { useNotices } from "../../app/notices";
import { hrefOf } from "../../app/routes";
import { go } from "../../app/useRoute";
import { useEngineVersions, useOrderableOptions } from "../../data/engines";
import { useMayChange, useRegion } from "../../data/RegionContext";
import { type CreateWish, createInput, createProblems, emptyWish } from "../../model/create";
import { Failure } from "../../parts/Failure";
import { ReadOnly } from "../../parts/ReadOnly";
import { ConnectivityFields } from "./ConnectivityFields";
import { EngineFields } from "./EngineFields";
import { MaintenanceFields } from "./MaintenanceFields";
import { SettingsFields } from "./SettingsFields";
import { offerOf, withChoices, withClass } from "./choices";

export interface FieldsProps {
  wish: CreateWish;
  problems: ReturnType<typeof createProblems>;
  change: (part: Partial<CreateWish>) => void;
}

export default function CreatePage() {
  const { region, client, fleet, access } = useRegion();
  const mayChange = useMayChange();
  const { tell } = useNotices();
  const versions = useEngineVersions();
  const [asked, setAsked] = useState(emptyWish);
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const chosen = withChoices(asked, versions.data ?? []);
  const options = useOrderableOptions(chosen.engine, chosen.version);
  const offer = useMemo(() => offerOf(options.data ?? []), [options.data]);
  const wish = withClass(chosen, offer);
  const version = versions.data?.find(({ Engine, EngineVersion }) => Engine === wish.engine && EngineVersion === wish.version);
  const problems = sent ? createProblems(wish) : {};
  const change = (part: Partial<CreateWish>) => setAsked((before) => ({ ...before, ...part }));

  const create = async () => {
    setSent(true);
    if (Object.keys(createProblems(wish)).length) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await client.send(new CreateDBInstanceCommand(createInput(wish)));
      tell("info", `Creating database ${wish.identifier}`, "It is ready when its status is Available.");
      await fleet.touch([wish.identifier]);
      go({ page: "databases", region: region.name });
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void create();
  };

  if (access.data && !mayChange) return <ReadOnly />;
  if (versions.error !== undefined) return <Failure error={versions.error} />;
  const trouble = failure === undefined ? undefined : troubleOf(failure);
  const fields = { wish, problems, change };
  return (
    <form onSubmit={submit} noValidate>
      <Form
        header={<Header variant="h1">Create database</Header>}
        errorText={trouble && `${trouble.title}: ${trouble.text}`}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" href={hrefOf({ page: "databases", region: region.name })}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} loadingText="Creating database">
              Create database
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Engine options</Header>}>
            <EngineFields {...fields} versions={versions} />
          </Container>
          <Container header={<Header variant="h2">Settings</Header>}>
            <SettingsFields {...fields} offer={offer} loading={options.loading} />
          </Container>
          <Container header={<Header variant="h2">Connectivity</Header>}>
            <ConnectivityFields {...fields} version={version} />
          </Container>
          <Container header={<Header variant="h2">Additional configuration</Header>}>
            <MaintenanceFields {...fields} version={version} />
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
