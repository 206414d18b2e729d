import FormField from "@cloudscape-design/components/form-field";
import Input, { type InputProps } from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import type { ReactNode } from "react";
import { useParameterGroups } from "../data/engines";

interface TextProps {
  label: string;
  description?: ReactNode;
  constraint?: string;
  error?: string;
  value: string;
  placeholder?: string;
  type?: InputProps.Type;
  inputMode?: InputProps.InputMode;
  autoComplete?: string;
  onChange: (value: string) => void;
}

/** A label and an input. */
export function TextField({ label, description, constraint, error, onChange, autoComplete, ...input }: TextProps) {
  return (
    <FormField label={label} description={description} constraintText={constraint} errorText={error}>
      <Input {...input} autoComplete={autoComplete ?? false} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />
    </FormField>
  );
}

interface ChoiceProps {
  label: string;
  description?: ReactNode;
  value: string;
  options: { value: string; label: string; description?: string }[];
  loading?: boolean;
  onChange: (value: string) => void;
}

/** A label and a select. */
export function ChoiceField({ label, description, value, options, loading = false, onChange }: ChoiceProps) {
  return (
    <FormField label={label} description={description}>
      <Select
        options={options}
        selectedOption={options.find((option) => option.value === value) ?? null}
        statusType={loading ? "loading" : "finished"}
        loadingText="Loading"
        empty="Nothing to choose"
        placeholder="Choose"
        filteringType="auto"
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}

interface GroupProps {
  family: string | undefined;
  /** "": the default group of the engine version. */
  value: string;
  onChange: (name: string) => void;
}

/** The parameter groups of a family; not there where the server has no groups. */
export function ParameterGroupField({ family, value, onChange }: GroupProps) {
  const groups = useParameterGroups();
  const standard = `default.${family ?? ""}`;
  const options = (groups.data ?? [])
    .filter(({ DBParameterGroupFamily }) => DBParameterGroupFamily === family)
    .map(({ DBParameterGroupName = "", Description = "" }) => ({
      value: DBParameterGroupName,
      label: DBParameterGroupName,
      description: Description,
    }));
  if (options.length === 0) return null;
  return <ChoiceField label="DB parameter group" value={value || standard} options={options} onChange={onChange} />;
}
