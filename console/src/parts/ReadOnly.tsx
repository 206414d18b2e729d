import Alert from "@cloudscape-design/components/alert";

/** In place of a page that changes something. */
export function ReadOnly() {
  return (
    <Alert type="info" header="This access key is read-only">
      It may look at everything in its regions and change nothing.
    </Alert>
  );
}
