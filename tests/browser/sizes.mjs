// What a first visit transfers, by file, against the budget. With --check, exits with 1 above it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { dist, encode } from './server.mjs';

/** Bytes under brotli that a first visit may take at most: 130,000 B for the calculator, 50,000 B for what grew with described models. */
export const budget = 180_000;

/** The page and the files beside it that its links, scripts and requests name: what a browser loads unasked. */
export function firstLoad(folder = dist) {
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const names = new Set(['index.html']);
  const markup = html.match(/<link\b[^>]*>|<(?:script|img)\b[^>]*\ssrc=[^>]*>/g) ?? [];
  const loaded = markup.filter(tag => !/\srel="(?:canonical|alternate|author|license)"/.test(tag));
  for (const tag of loaded) names.add(tag.match(/\s(?:href|src)="([^"]*)"/)?.[1]);
  for (const [, name] of html.matchAll(/\b(?:fetch|import)\("([^"]*)"/g)) names.add(name);
  // What stands under the total follows by itself.
  for (const [, name] of html.matchAll(/\bdetails: \{ address: "([^"]*)"/g)) names.add(name);
  names.delete(undefined);
  return [...names]
    .filter(name => !/^(?:data:|https?:|#)/.test(name))
    .map(name => name.replace(/^\.\//, ''))
    .filter((name, index, all) => all.indexOf(name) === index);
}

/** The files that are loaded when something first asks for them. */
export function later(folder = dist) {
  const first = firstLoad(folder);
  return readdirSync(folder).filter(name => name.endsWith('.wasm') && !first.includes(name));
}

/** Sizes of these files: as they are, under gzip, under brotli. */
export function sizes(names, folder = dist) {
  return names.map(name => {
    const bytes = readFileSync(join(folder, name));
    return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: encode(name, bytes).body.length };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = sizes(firstLoad());
  const sum = key => files.reduce((total, file) => total + file[key], 0);
  const rest = sizes(later());
  const rows = [...files, { name: 'in all', raw: sum('raw'), gzip: sum('gzip'), brotli: sum('brotli') }, ...rest];
  const width = Math.max(...rows.map(row => row.name.length));
  const line = cells => cells[0].padEnd(width) + cells.slice(1).map(cell => String(cell).padStart(10)).join('');
  console.log(line(['first load, bytes', 'raw', 'gzip', 'brotli']));
  for (const { name, raw, gzip, brotli } of rows) console.log(line([name, raw, gzip, brotli]));
  const total = sum('brotli');
  const within = total <= budget;
  console.log(`budget ${budget} B under brotli: ${within ? `${budget - total} B left` : `${total - budget} B too much`}`);
  if (process.argv.includes('--check') && !within) process.exitCode = 1;
}
