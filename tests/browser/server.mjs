// A static host on loopback, as a person's web server would be: brotli, right types, nothing clever.
//
//   const site = await serve({ '/': 'dist' });               // or { '/tools/memory/': 'dist', '/docs/': 'tests' }
//   await page.goto(site.url); await site.close();
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

/** The top folder of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The built page. */
export const dist = join(root, 'dist');

const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const packed = new Set(['.png', '.woff2']);

/** What a file is on its way: its bytes under brotli (quality 11), or as they are where that is no smaller. */
export function encode(name, bytes) {
  const small = packed.has(extname(name)) ? bytes : brotliCompressSync(bytes);
  return small.length < bytes.length ? { body: small, encoding: 'br' } : { body: bytes, encoding: undefined };
}

/**
 * Serves each folder under its prefix (which begins and ends with a slash) on a free port.
 * `seen` collects the paths asked for, in order.
 */
export async function serve(folders = { '/': dist }) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const cache = new Map();
  const seen = [];

  async function find(path) {
    const prefix = prefixes.find(prefix => path.startsWith(prefix));
    if (prefix === undefined) return undefined;
    const folder = resolve(root, folders[prefix]);
    let file = join(folder, path.slice(prefix.length));
    if (file !== folder && !file.startsWith(folder + sep)) return undefined;
    if (path.endsWith('/')) file = join(file, 'index.html');
    if (!cache.has(file)) {
      const bytes = await readFile(file).catch(() => undefined);
      cache.set(file, bytes && { type: types[extname(file)] ?? 'application/octet-stream', ...encode(file, bytes) });
    }
    return cache.get(file);
  }

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    seen.push(path);
    const found = await find(path);
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
      return;
    }
    const headers = { 'content-type': found.type, 'content-length': found.body.length, 'cache-control': 'no-cache' };
    if (found.encoding) headers['content-encoding'] = found.encoding;
    response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : found.body);
  });
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    url: origin + prefixes[prefixes.length - 1],
    seen,
    /** Reads and compresses a path before anyone is waiting for it. */
    warm: paths => Promise.all(paths.map(find)),
    close: () => new Promise(done => { server.close(done); server.closeAllConnections(); }),
  };
}
