/** Hands the person a file that the page has made. */
export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // After the browser has begun to write it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
