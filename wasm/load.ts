/**
 * Compile the module, once, from wherever it lies.
 *
 * @module
 */

/** What the module can be loaded from. */
export type CoreSource = URL | WebAssembly.Module | BufferSource | Response;

/**
 * Compile `core.wasm`.
 *
 * @param source  URL, bytes, response or compiled module
 */
export async function compileCore(
  source: CoreSource,
): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof URL) return WebAssembly.compile(await readUrl(source));
  if (source instanceof Response) {
    return WebAssembly.compile(await source.arrayBuffer());
  }
  return WebAssembly.compile(source);
}

async function readUrl(url: URL): Promise<BufferSource> {
  if (url.protocol === "file:") {
    // Node's fetch does not read files; Deno, Node and Bun all have node:fs
    const { readFile } = await import(
      // a page's bundler must leave this import alone
      /* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises"
    );
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
  return await response.arrayBuffer();
}
