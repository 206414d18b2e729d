/** What went wrong, in words for people. */
export interface Trouble {
  kind: "denied" | "signed-out" | "offline" | "failed";
  title: string;
  text: string;
}

const keyErrors = ["InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken", "InvalidAccessKeyId"];

/** The error's name in the API, without the "Fault" and "Exception" that SDKs add; "" for what is none of the API's. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name.replace(/(Fault|Exception)$/, "") : "";
}

export function troubleOf(error: unknown): Trouble {
  const name = nameOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (name === "AccessDenied")
    return { kind: "denied", title: "This access key may not do that", text };
  if (keyErrors.includes(name))
    return { kind: "signed-out", title: "The access key is not valid", text };
  if (name === "TypeError" || name === "TimeoutError")
    return { kind: "offline", title: "The server does not answer", text: "Is it running? The page tries again by itself." };
  return { kind: "failed", title: name && name !== "Error" ? name : "That did not work", text };
}
