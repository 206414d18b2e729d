import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import Spinner from "@cloudscape-design/components/spinner";
import { Suspense, lazy, useCallback, useMemo, useState } from "react";
import { loadRegions } from "../data/trust";
import { useLive } from "../data/useLive";
import { Failure } from "../parts/Failure";
import { type AccessKey, forgetKey, rememberKey, rememberedKey } from "../session/key";
import { SessionContext } from "../session/SessionContext";
import { SignIn } from "../session/SignIn";
import { NoticesProvider } from "./notices";
import { useTheme } from "./theme";

// The sign-in page is there while the rest is still on its way.
const shell = import("./Shell");
const Shell = lazy(() => shell);

/** The sign-in page, or the console of who is signed in. */
export function App() {
  const theme = useTheme();
  const [key, setKey] = useState<AccessKey | undefined>(rememberedKey);
  const regions = useLive(loadRegions);
  const signOut = useCallback(() => {
    forgetKey();
    setKey(undefined);
  }, []);
  const session = useMemo(
    () => (key && regions.data ? { key, regions: regions.data, signOut } : undefined),
    [key, regions.data, signOut],
  );

  return (
    <I18nProvider locale="en" messages={[messages]}>
      {session ? (
        <SessionContext value={session}>
          <NoticesProvider>
            <Suspense fallback={<Waiting />}>
              <Shell theme={theme} />
            </Suspense>
          </NoticesProvider>
        </SessionContext>
      ) : regions.data ? (
        <SignIn
          regions={regions.data}
          onSignedIn={(signedIn) => {
            rememberKey(signedIn);
            setKey(signedIn);
          }}
        />
      ) : regions.error ? (
        <main className="sign-in">
          <Failure error={regions.error} action={<Button onClick={() => void regions.refresh()}>Try again</Button>} />
        </main>
      ) : (
        <Waiting />
      )}
    </I18nProvider>
  );
}

function Waiting() {
  return (
    <main className="sign-in">
      <Box textAlign="center">
        <Spinner size="large" />
      </Box>
    </main>
  );
}
