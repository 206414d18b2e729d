/** The access key of who is signed in. It is kept for this tab alone, in session storage, so that a reload does not ask
 *  again; it never stands in an address, in a cookie or in local storage, and only signatures made with it are sent. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

const place = "sealwright.key";

export function rememberKey(key: AccessKey) {
  window.sessionStorage.setItem(place, JSON.stringify([key.accessKeyId, key.secretAccessKey]));
}

export function forgetKey() {
  window.sessionStorage.removeItem(place);
}

export function rememberedKey(): AccessKey | undefined {
  const kept = window.sessionStorage.getItem(place);
  if (!kept) return undefined;
  try {
    const [accessKeyId, secretAccessKey] = JSON.parse(kept) as unknown[];
    if (typeof accessKeyId === "string" && typeof secretAccessKey === "string") return { accessKeyId, secretAccessKey };
  } catch {
    // Not what rememberKey wrote: as if there were none.
  }
  return undefined;
}
