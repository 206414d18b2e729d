import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useRegion } from "../data/RegionContext";
import { authorityChoices, authorityOption } from "../model/authority";

interface Props {
  /** "": the region's default. */
  value: string;
  supported: string[] | undefined;
  onChange: (identifier: string) => void;
}

/** The setting "Certificate authority": what the engine version supports, with algorithm and end. */
export function AuthorityField({ value, supported, onChange }: Props) {
  const { certificates, index } = useRegion();
  const standard = certificates.data?.DefaultCertificateForNewLaunches;
  const options = authorityChoices(certificates.data?.Certificates ?? [], standard, supported, index.data).map(authorityOption);
  const selected = value || standard;
  return (
    <FormField
      label="Certificate authority"
      description="It signs the server certificate, by which clients know that they have reached your database. Clients must trust it."
    >
      <Select
        options={options}
        selectedOption={options.find((option) => option.value === selected) ?? null}
        triggerVariant="option"
        statusType={certificates.loading ? "loading" : "finished"}
        loadingText="Loading certificate authorities"
        empty="No certificate authority is made yet"
        placeholder="Choose a certificate authority"
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}
