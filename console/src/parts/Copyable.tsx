import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";

/** A value with a button that copies it. */
export function Copyable({ text, name }: { text: string; name: string }) {
  return (
    <CopyToClipboard
      variant="inline"
      textToCopy={text}
      copyButtonAriaLabel={`Copy ${name}`}
      copySuccessText="Copied"
      copyErrorText="It could not be copied"
    />
  );
}

/** A command to type elsewhere. */
export function CopyableCommand({ text, name }: { text: string; name: string }) {
  return (
    <div className="command-row">
      <code className="command" data-command={name}>
        {text}
      </code>
      <CopyToClipboard
        variant="icon"
        textToCopy={text}
        copyButtonAriaLabel={`Copy the command for ${name}`}
        copySuccessText="Copied"
        copyErrorText="It could not be copied"
      />
    </div>
  );
}
