import { Mode, applyMode } from "@cloudscape-design/global-styles";
import { useEffect, useState } from "react";

const remembered = "sealwright.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function chosen(): Mode | undefined {
  const said = window.localStorage.getItem(remembered);
  return said === "dark" ? Mode.Dark : said === "light" ? Mode.Light : undefined;
}

/** Light or dark: what the visitor chose here, else what the system says. */
export function useTheme() {
  const [mode, setMode] = useState<Mode>(() => chosen() ?? (dark.matches ? Mode.Dark : Mode.Light));
  useEffect(() => applyMode(mode), [mode]);
  useEffect(() => {
    const follow = () => chosen() ?? setMode(dark.matches ? Mode.Dark : Mode.Light);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, []);
  return {
    isDark: mode === Mode.Dark,
    toggle: () => {
      const next = mode === Mode.Dark ? Mode.Light : Mode.Dark;
      window.localStorage.setItem(remembered, next);
      setMode(next);
    },
  };
}
