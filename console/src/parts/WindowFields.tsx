import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { type WeeklyWindow, dayNames } from "../model/window";

interface Props {
  value: WeeklyWindow;
  onChange: (window: WeeklyWindow) => void;
}

const range = (count: number, step = 1) => Array.from({ length: count }, (_, number) => number * step);
const two = (number: number) => String(number).padStart(2, "0");
const lengths = [30, 60, 90, 120, 180, 240, 360, 480, 720, 1440];

function numbers(values: number[], labelOf: (value: number) => string) {
  return values.map((value) => ({ value: String(value), label: labelOf(value) }));
}

const dayOptions = numbers(range(7), (day) => dayNames[day] ?? "");
const hourOptions = numbers(range(24), two);

/** A value that is none of the usual ones is offered, too. */
function withCurrent(values: number[], current: number): number[] {
  return values.includes(current) ? values : [...values, current].sort((a, b) => a - b);
}

/** A weekly window: day, time and length, in UTC. */
export function WindowFields({ value, onChange }: Props) {
  const fields = [
    { label: "Start day", part: "day", options: dayOptions },
    { label: "Start hour (UTC)", part: "hour", options: hourOptions },
    { label: "Start minute", part: "minute", options: numbers(withCurrent(range(12, 5), value.minute), two) },
    { label: "Duration", part: "length", options: numbers(withCurrent(lengths, value.length), (length) => (length % 60 ? `${length} minutes` : `${length / 60} hours`)) },
  ] as const;
  return (
    <ColumnLayout columns={4}>
      {fields.map(({ label, part, options }) => (
        <FormField key={part} label={label}>
          <Select
            options={options}
            selectedOption={options.find((option) => option.value === String(value[part])) ?? null}
            onChange={({ detail }) => onChange({ ...value, [part]: Number(detail.selectedOption.value) })}
          />
        </FormField>
      ))}
    </ColumnLayout>
  );
}
