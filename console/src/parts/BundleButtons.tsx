import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useRegion } from "../data/RegionContext";
import { bundlePath } from "../data/trust";

const formats = [
  { format: "pem", label: "PEM" },
  { format: "p7b", label: "PKCS7" },
  { format: "p12", label: "PKCS12" },
  { format: "jks", label: "JKS" },
];

/** Downloads of the region's bundle. */
export function BundleButtons() {
  const { region } = useRegion();
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {formats.map(({ format, label }) => {
        const path = bundlePath(region, format);
        return (
          <Button key={format} iconName="download" href={path} download={path.replace(/^.*\//, "")}>
            {label}
          </Button>
        );
      })}
    </SpaceBetween>
  );
}
