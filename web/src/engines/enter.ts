/** The link that a server printed: the key to it stands in the page's address. */

const told = (): URLSearchParams => new URLSearchParams(location.hash.slice(1));

/** Whether the address is such a link. */
export const hasToken = (): boolean => told().has("token");

/** Whether this page has entered by one. */
let entered = false;
export const hasEntered = (): boolean => entered;

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
  entered = true;
  address.delete("token");
  history.replaceState(null, "", `#${address}`);
}
