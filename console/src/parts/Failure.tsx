import Alert from "@cloudscape-design/components/alert";
import type { ReactNode } from "react";
import { troubleOf } from "../api/words";

/** What could not be read, and why: for a page, a tab, a table. */
export function Failure({ error, action }: { error: unknown; action?: ReactNode }) {
  const { kind, title, text } = troubleOf(error);
  return (
    <Alert type={kind === "denied" ? "warning" : "error"} header={title} action={action}>
      {text}
    </Alert>
  );
}
