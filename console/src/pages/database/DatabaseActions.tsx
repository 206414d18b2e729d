import {
  type DBInstance,
  type RDSClient,
  RebootDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
} from "@aws-sdk/client-rds";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNotices } from "../../app/notices";
import { hrefOf } from "../../app/routes";
import { useRegion } from "../../data/RegionContext";
import { Confirm } from "../../parts/Confirm";
import { DeleteDialog } from "./DeleteDialog";

type Action = "reboot" | "stop" | "start" | "delete";

interface Question {
  title: string;
  text: string;
  verb: string;
  send: (client: RDSClient, DBInstanceIdentifier: string) => Promise<unknown>;
}

const asked: Record<Exclude<Action, "delete">, Question> = {
  reboot: {
    title: "Reboot DB instance",
    text: "Its connections are broken off.",
    verb: "Reboot",
    send: (client, DBInstanceIdentifier) => client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier })),
  },
  stop: {
    title: "Stop DB instance",
    text: "Its connections are broken off. Certificates are not rotated while it is stopped.",
    verb: "Stop",
    send: (client, DBInstanceIdentifier) => client.send(new StopDBInstanceCommand({ DBInstanceIdentifier })),
  },
  start: {
    title: "Start DB instance",
    text: "A rotation that was due in the meantime follows.",
    verb: "Start",
    send: (client, DBInstanceIdentifier) => client.send(new StartDBInstanceCommand({ DBInstanceIdentifier })),
  },
};

/** What can be done to one instance. */
export function DatabaseActions({ instance, refresh }: { instance: DBInstance; refresh: () => Promise<void> }) {
  const { region, client, fleet } = useRegion();
  const { tell, tellFailure } = useNotices();
  const [action, setAction] = useState<Action>();
  const identifier = instance.DBInstanceIdentifier ?? "";
  const isAvailable = instance.DBInstanceStatus === "available";
  const question = action && action !== "delete" ? asked[action] : undefined;

  const carryOut = async () => {
    if (!question) return;
    setAction(undefined);
    try {
      await question.send(client, identifier);
      tell("info", `${question.verb}: ${identifier}`);
    } catch (error) {
      tellFailure(`${question.verb} failed: ${identifier}`, error);
    }
    await Promise.all([refresh(), fleet.touch([identifier])]);
  };

  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button href={hrefOf({ page: "modify", region: region.name, identifier })}>Modify</Button>
      <ButtonDropdown
        items={[
          { id: "reboot", text: "Reboot", disabled: !isAvailable },
          { id: "stop", text: "Stop", disabled: !isAvailable },
          { id: "start", text: "Start", disabled: instance.DBInstanceStatus !== "stopped" },
          { id: "delete", text: "Delete" },
        ]}
        onItemClick={({ detail }) => setAction(detail.id as Action)}
      >
        Actions
      </ButtonDropdown>
      {question && (
        <Confirm title={`${question.title} ${identifier}?`} verb={question.verb} onCancel={() => setAction(undefined)} onConfirm={() => void carryOut()}>
          {question.text}
        </Confirm>
      )}
      {action === "delete" && <DeleteDialog instance={instance} onClose={() => setAction(undefined)} />}
    </SpaceBetween>
  );
}
