import { AddTagsToResourceCommand, RemoveTagsFromResourceCommand, type Tag } from "@aws-sdk/client-rds";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { useNotices } from "../../app/notices";
import { useMayChange, useRegion } from "../../data/RegionContext";
import type { TabProps } from "./DatabasePage";

export function TagsTab({ instance, refresh }: TabProps) {
  const mayChange = useMayChange();
  const [editing, setEditing] = useState(false);
  const tags = instance.TagList ?? [];
  if (editing)
    return (
      <TagsForm
        arn={instance.DBInstanceArn ?? ""}
        before={tags}
        onDone={() => {
          setEditing(false);
          void refresh();
        }}
      />
    );
  return (
    <Table
      items={tags}
      header={
        <Header
          variant="h2"
          counter={`(${tags.length})`}
          actions={mayChange && <Button onClick={() => setEditing(true)}>Manage tags</Button>}
        >
          Tags
        </Header>
      }
      ariaLabels={{ tableLabel: "Tags" }}
      wrapLines
      empty={<Box color="text-body-secondary">No tags.</Box>}
      columnDefinitions={[
        { id: "key", header: "Key", cell: ({ Key }) => Key, isRowHeader: true },
        { id: "value", header: "Value", cell: ({ Value }) => (Value ? Value : "-") },
      ]}
    />
  );
}

function TagsForm({ arn, before, onDone }: { arn: string; before: Tag[]; onDone: () => void }) {
  const { client } = useRegion();
  const { tell, tellFailure } = useNotices();
  const [tags, setTags] = useState<readonly Tag[]>(before);
  const [busy, setBusy] = useState(false);
  const change = (index: number, part: Tag) =>
    setTags(tags.map((tag, at) => (at === index ? { ...tag, ...part } : tag)));
  const save = async () => {
    const kept = tags.filter(({ Key }) => Key);
    const gone = before.flatMap(({ Key }) => (Key && !kept.some((tag) => tag.Key === Key) ? [Key] : []));
    const changed = kept.filter(({ Key, Value }) => !before.some((tag) => tag.Key === Key && tag.Value === Value));
    setBusy(true);
    try {
      if (gone.length) await client.send(new RemoveTagsFromResourceCommand({ ResourceName: arn, TagKeys: gone }));
      if (changed.length) await client.send(new AddTagsToResourceCommand({ ResourceName: arn, Tags: changed }));
      tell("success", "The tags were saved");
      onDone();
    } catch (error) {
      tellFailure("The tags were not saved", error);
      setBusy(false);
    }
  };
  return (
    <Form
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={onDone}>
            Cancel
          </Button>
          <Button variant="primary" loading={busy} onClick={() => void save()}>
            Save changes
          </Button>
        </SpaceBetween>
      }
    >
      <Container header={<Header variant="h2">Manage tags</Header>}>
        <AttributeEditor
          items={tags}
          addButtonText="Add tag"
          removeButtonText="Remove"
          removeButtonAriaLabel={({ Key }) => `Remove ${Key ?? ""}`}
          empty="No tags."
          onAddButtonClick={() => setTags([...tags, { Key: "", Value: "" }])}
          onRemoveButtonClick={({ detail }) => setTags(tags.filter((_, at) => at !== detail.itemIndex))}
          definition={[
            {
              label: "Key",
              control: ({ Key }, index) => <Input value={Key ?? ""} autoComplete={false} onChange={({ detail }) => change(index, { Key: detail.value })} />,
            },
            {
              label: "Value",
              control: ({ Value }, index) => <Input value={Value ?? ""} autoComplete={false} onChange={({ detail }) => change(index, { Value: detail.value })} />,
            },
          ]}
        />
      </Container>
    </Form>
  );
}
