import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo, useState } from "react";
import { useBatch, useFleet, useMayChange, useRegion } from "../../data/RegionContext";
import { useFailures } from "../../data/useFailures";
import { type Update, useUpdates } from "../../data/useUpdates";
import { orderFor, reasonTexts } from "../../model/batch";
import type { Row } from "../../model/row";
import { Failure } from "../../parts/Failure";
import { BatchProgress } from "./BatchProgress";
import { ConfirmUpdate } from "./ConfirmUpdate";
import { UpdateTable } from "./UpdateTable";

/** Databases whose certificate somebody has to do something about, and the means to do it for many at once. */
export default function UpdatePage() {
  const { pending, batch } = useRegion();
  const { rows, complete, error } = useFleet();
  const updates = useUpdates();
  const failures = useFailures();
  const running = useBatch();
  const mayChange = useMayChange();
  const [shown, setShown] = useState<"required" | "all">("required");
  const [selected, setSelected] = useState<Row[]>([]);
  const [confirming, setConfirming] = useState<"now" | "window">();

  const reasons = useMemo(() => {
    const textOf = ({ row, reason }: Update) => {
      const [action] = pending.data?.get(row.arn) ?? [];
      return (reason === "pending" ? action?.Description : reason === "undone" ? failures.data?.get(row.identifier) : undefined) ?? reasonTexts[reason];
    };
    return new Map(updates.map((update) => [update.row.identifier, textOf(update)]));
  }, [updates, pending.data, failures.data]);
  const listed = useMemo(() => (shown === "all" ? rows : updates.map(({ row }) => row)), [shown, rows, updates]);
  // What was chosen is what is still on the list, in its present state.
  const chosen = useMemo(() => {
    const identifiers = new Set(selected.map(({ identifier }) => identifier));
    return listed.filter(({ identifier }) => identifiers.has(identifier));
  }, [listed, selected]);

  const confirm = async (authority: string) => {
    const immediately = confirming === "now";
    setConfirming(undefined);
    setSelected([]);
    const orders = chosen.map((row) => {
      const actions = pending.data?.get(row.arn)?.flatMap(({ Action }) => Action ?? []) ?? [];
      return orderFor(row, actions, authority);
    });
    await batch.send(orders, immediately);
    await pending.refresh();
  };

  return (
    <SpaceBetween size="l">
      {error !== undefined && <Failure error={error} />}
      {running && <BatchProgress running={running} rows={rows} failures={failures.data} onClose={batch.clear} />}
      <UpdateTable
        rows={listed}
        reasons={reasons}
        loading={!complete && error === undefined}
        selected={chosen}
        onSelect={setSelected}
        onUpdate={mayChange ? setConfirming : undefined}
        kind={
          <SegmentedControl
            label="Which databases are shown"
            selectedId={shown}
            options={[
              { id: "required", text: `Requiring update (${updates.length.toLocaleString("en")})` },
              { id: "all", text: `All (${rows.length.toLocaleString("en")})` },
            ]}
            onChange={({ detail }) => setShown(detail.selectedId === "all" ? "all" : "required")}
          />
        }
      />
      {confirming && (
        <ConfirmUpdate
          rows={chosen}
          immediately={confirming === "now"}
          onCancel={() => setConfirming(undefined)}
          onConfirm={(authority) => void confirm(authority)}
        />
      )}
    </SpaceBetween>
  );
}
