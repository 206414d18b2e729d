import type { DBInstance } from "@aws-sdk/client-rds";
import { useState } from "react";
import { useMayChange, useRegion } from "../../data/RegionContext";
import { useInstance } from "../../data/useInstance";
import { changesOf, wishOf } from "../../model/modify";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { ReadOnly } from "../../parts/ReadOnly";
import { ModifyForm } from "./ModifyForm";
import { ModifySummary } from "./ModifySummary";

/** Two steps: what is to be changed, then a summary and when to do it. */
export default function ModifyPage({ identifier }: { identifier: string }) {
  const { access } = useRegion();
  const mayChange = useMayChange();
  const instance = useInstance(identifier);
  if (access.data && !mayChange) return <ReadOnly />;
  if (instance.error !== undefined) return <Failure error={instance.error} />;
  return instance.data ? <Steps instance={instance.data} /> : <Loading />;
}

function Steps({ instance }: { instance: DBInstance }) {
  const [wish, setWish] = useState(() => wishOf(instance));
  const [atSummary, setAtSummary] = useState(false);
  if (atSummary)
    return <ModifySummary instance={instance} changes={changesOf(instance, wish)} onBack={() => setAtSummary(false)} />;
  return (
    <ModifyForm
      instance={instance}
      wish={wish}
      onChange={(part) => setWish((before) => ({ ...before, ...part }))}
      onContinue={() => setAtSummary(true)}
    />
  );
}
