/** The link that a server printed: the key to it stands in the page's address. */

const told = (): URLSearchParams => new URLSearchParams(location.hash.slice(1));

/** Whether the address is such a link. */
export const hasToken = (): boolean => told().has("token");

/** The link opens once: its token becomes a cookie, and leaves the address. */
export async function enter(): Promise<void> {
  const address = told();
  const token = address.get("token");
  if (token === null) return;
  await fetch("./enter", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  address.delete("token");
  history.replaceState(null, "", `#${address}`);
}
