import { DescribeCertificatesCommand } from "@aws-sdk/client-rds";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type SubmitEvent, useState } from "react";
import { makeClient } from "../api/client";
import { type Trouble, troubleOf } from "../api/words";
import { inRegion } from "../app/routes";
import { go, useRoute } from "../app/useRoute";
import type { Regions } from "../model/trust";
import { regionOptions } from "../parts/regionOptions";
import type { AccessKey } from "./key";
import { regionOf } from "./SessionContext";

interface Props {
  regions: Regions;
  onSignedIn: (key: AccessKey) => void;
}

/** An access key and a region, tried by a signed call. */
export function SignIn({ regions, onSignedIn }: Props) {
  const route = useRoute();
  const [accessKeyId, setAccessKeyId] = useState("");
  const [secretAccessKey, setSecretAccessKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  const region = regionOf(regions, route.region) ?? regionOf(regions, "");
  const options = regionOptions(regions);
  const flat = options.flatMap((group) => group.options);

  const signIn = async () => {
    const key = { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() };
    setBusy(true);
    setTrouble(undefined);
    try {
      await makeClient(key, region?.name ?? "").send(new DescribeCertificatesCommand({}));
      onSignedIn(key);
    } catch (error) {
      setTrouble(troubleOf(error));
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (accessKeyId.trim() && secretAccessKey.trim()) void signIn();
    else setTrouble({ kind: "failed", title: "Both are needed", text: "Give the access key ID and the secret access key." });
  };

  return (
    <main className="sign-in">
      <SpaceBetween size="l">
        <Box variant="h1" textAlign="center">
          Sealwright
        </Box>
        <form onSubmit={submit} noValidate>
          <Form
            actions={
              <Button variant="primary" loading={busy} loadingText="Signing in">
                Sign in
              </Button>
            }
          >
            <Container header={<Header variant="h2">Sign in</Header>}>
              <SpaceBetween size="m">
                {trouble && (
                  <Alert type="error" header={trouble.title}>
                    {trouble.text}
                  </Alert>
                )}
                <FormField label="Access key ID">
                  <Input
                    value={accessKeyId}
                    onChange={({ detail }) => setAccessKeyId(detail.value)}
                    autoComplete="username"
                    spellcheck={false}
                    autoFocus
                  />
                </FormField>
                <FormField
                  label="Secret access key"
                  description="It stays in this tab and signs requests here; only signatures are sent."
                >
                  <Input
                    type="password"
                    value={secretAccessKey}
                    onChange={({ detail }) => setSecretAccessKey(detail.value)}
                    autoComplete="current-password"
                  />
                </FormField>
                <FormField label="Region">
                  <Select
                    selectedOption={flat.find(({ value }) => value === region?.name) ?? null}
                    options={options}
                    filteringType="auto"
                    onChange={({ detail }) => go(inRegion(route, detail.selectedOption.value ?? ""))}
                  />
                </FormField>
                <Box color="text-body-secondary" fontSize="body-s">
                  <code>. run/env.sh</code> on the server&apos;s machine sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;{" "}
                  <code>sealwright access-key create</code> makes further keys.
                </Box>
              </SpaceBetween>
            </Container>
          </Form>
        </form>
      </SpaceBetween>
    </main>
  );
}
