/**
 * This page as one text, with a recording in it and a policy that lets nothing else in: what
 * `playground/record.py` makes of the same files.
 */

const SCRIPT = /<script type="module"[^>]* src="\.\/([^"]+)"><\/script>/g;
const STYLE = /<link rel="stylesheet"[^>]* href="\.\/([^"]+)">/g;
const ICON = /href="\.\/(icon\.svg)"/;
const POLICY = /(http-equiv="Content-Security-Policy"\s+content=")[^"]*"/;

export async function pageWith(recording: Uint8Array): Promise<string> {
  const page = await textOf("./");
  const script = await inlined(page, SCRIPT);
  const style = await inlined(page, STYLE);
  const icon = await asUrl(new Blob([await textOf("./icon.svg")], { type: "image/svg+xml" }));
  // Where a page comes over plain http, browsers compute no digests; a number used once serves as well.
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const bare = page
    .replace(SCRIPT, "")
    .replace(STYLE, "")
    .replace(ICON, () => `href="${icon}"`)
    .replace(POLICY, (_, begin: string) => `${begin}${policy}"`);
  // Not of a type that is run; the script after it reads it.
  const inside =
    `<script type="application/gzip" id="recording">${await packed(recording)}</script>\n` +
    `<style nonce="${nonce}">${style}</style>\n` +
    `<script type="module" nonce="${nonce}">${script}</script>\n`;
  const end = bare.lastIndexOf("</body>");
  return `${bare.slice(0, end)}${inside}${bare.slice(end)}`;
}

async function textOf(name: string): Promise<string> {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`The page's own file ${name} does not come (${answer.status}). Reload the page.`);
  return answer.text();
}

/** Scripts or styles of the page as they may stand inside it. */
async function inlined(page: string, kind: RegExp): Promise<string> {
  const texts = await Promise.all([...page.matchAll(kind)].map((found) => textOf(`./${found[1]}`)));
  return texts.join("").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}

async function packed(data: Uint8Array): Promise<string> {
  const stream = new Blob([data as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await asUrl(await new Response(stream).blob())).split(",")[1];
}

/** A data: URL, in base 64. */
function asUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
