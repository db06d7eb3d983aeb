// Takes out of a built page what no one calls, and gives what stays short names.
//
//   node slim.mjs PAGE.js PAGE_bg.wasm [PAGE_PART.wasm [+MORE.wasm…]…]
//
// What was split off follows: parts, each of which may need those before it, and after a plus what is to be joined to one. The
// script gets what loads them, and the page keeps the exports that they import.
//
// wasm-bindgen exports what any dependency marks, here streams that only a server function would use, and names every
// import after its JavaScript with a hash behind: 10 kB of text in the WebAssembly, and as much again beside it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const [scriptFile, wasmFile, ...given] = process.argv.slice(2);
const parts = [];
for (const file of given) {
  if (file.startsWith('+')) parts.at(-1).more.push(file.slice(1));
  else parts.push({ file, more: [], name: file.match(/_([a-z]+)\.wasm$/)[1] });
}
const tools = new URL('../tests/node_modules/', import.meta.url).pathname;
const { minify } = createRequire(join(tools, 'package.json'))('terser');
const unused = /intounderlying/;
// What rustc's target has; `wasm-opt` would read it from a section that not every file keeps.
const features = ['bulk-memory', 'extended-const', 'multivalue', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'sign-ext']
  .map(name => `--enable-${name}`);

const scratch = mkdtempSync(join(tmpdir(), 'slim-'));
try {
  let script = readFileSync(scriptFile, 'utf8');
  for (const part of parts) joinUp(part);
  if (parts.length) script = withLoader(script);
  const names = dropUnusedExports(script);
  writeFileSync(scriptFile, await slimScript(script, names));
  for (const { file } of parts) shrink(file, file);
  for (const file of [wasmFile, ...parts.map(part => part.file)]) settle(file);
} finally {
  rmSync(scratch, { recursive: true });
}

/** What a module imports: all of it comes from the page. */
function imports(file) {
  const wanted = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)));
  const modules = new Set(wanted.map(({ module }) => module));
  if (modules.size !== 1) throw new Error(`${file} imports from ${modules.size} modules, not from one`);
  return { module: [...modules][0], wanted };
}

/** Puts a part and what belongs to it into one file. */
function joinUp({ file, more }) {
  if (!more.length) return;
  // Each file imports the page's memory, and a module can have one. So all of them are given what this one imports once.
  const files = [file, ...more];
  const { module } = imports(file);
  const once = new Map();
  for (const each of files) {
    for (const [, name, kind, id, type] of binaryen('wasm-dis', each).matchAll(/^ \(import "\w+" "(\w+)" \((\w+) (\S+) (.+)\)\)$/gm)) {
      once.set(name, `(import "page" "${name}" (${kind} ${id} ${type})) (export "${name}" (${kind} ${id}))`);
    }
  }
  const host = [...once.values()];
  const text = join(scratch, 'host.wat');
  const [binary, whole] = [join(scratch, 'host.wasm'), join(scratch, 'whole.wasm')];
  writeFileSync(text, `(module ${host.join('\n')})`);
  binaryen('wasm-as', text, '-o', binary);
  const named = files.flatMap((each, place) => [each, `part${place}`]);
  binaryen('wasm-merge', '--enable-multimemory', binary, module, ...named, '-o', whole);
  // No one imports from a part: the page calls it through the table.
  binaryen('wasm-opt', '--remove-exports=*', whole, '-o', file);
}

/**
 * The script with what loads the parts, in the place of the module that would be asked for at once. `later` and `ask` are of
 * the page, which knows the files and their hashes.
 */
function withLoader(script) {
  const request = /^import \* as \w+ from "\.\/__wasm_split\.js"\n/gm;
  const object = /^ {4}const import0 = \{\n/m;
  const loads = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(wasmFile)))
    .map(({ name }) => name)
    .filter(name => name.startsWith('__wasm_split_load_'));
  const expected = parts.map(({ name }) => `__wasm_split_load_${name}`);
  if (loads.sort().join() !== [...expected].sort().join() || script.search(request) < 0 || !object.test(script)) {
    throw new Error(`the script of wasm-bindgen has changed: there is no place for what loads ${expected.join(' and ')}`);
  }
  const gets = parts.map(({ file }) => {
    const { module, wanted } = imports(file);
    return `{ ${module}: { ${wanted.map(({ name }) => `${name}: wasm.${name}`).join(', ')} } }`;
  });
  const loader = `
const __parts = ${JSON.stringify(parts.map(({ name }) => name))};
function __part(place) {
    const file = later[__parts[place]];
    return file.instance ??= Promise.all([ask(file), place && __part(place - 1)])
        .then(([response]) => __wbg_load(response, [() => (${gets.join('), () => (')})][place]()))
        .catch(error => {
            file.instance = file.response = undefined;
            throw error;
        });
}
async function __load_part(place, callback, data) {
    const loaded = await __part(place).then(() => 1, error => {
        console.error(error);
        return 0;
    });
    wasm.__indirect_function_table.get(callback)(data, loaded);
}
`;
  const entries = parts.map((_, place) => `        ${expected[place]}: function(callback, data) {
            __load_part(${place}, callback, data);
        },
`);
  return script
    .replaceAll(request, '')
    .replaceAll(/^ *"\.\/__wasm_split\.js": \w+,\n/gm, '')
    .replace(object, start => start + entries.join('')) + loader;
}

/** Drops the exports, then what only they needed, then the long names; gives the old name and the new one of the rest. */
function dropUnusedExports(script) {
  const called = new Set(['memory', ...Array.from(script.matchAll(/\bwasm\.([\w$]+)/g), ([, name]) => name)]);
  const kept = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(wasmFile)))
    .map(({ name }) => name)
    .filter(name => called.has(name) && !unused.test(name));
  const graph = [
    { name: 'page', root: true, reaches: kept.map(name => `export ${name}`) },
    ...kept.map(name => ({ name: `export ${name}`, export: name })),
  ];
  const graphFile = join(scratch, 'graph.json');
  const less = join(scratch, 'less.wasm');
  writeFileSync(graphFile, JSON.stringify(graph));
  binaryen('wasm-metadce', wasmFile, '--graph-file', graphFile, '-o', less);
  const least = join(scratch, 'least.wasm');
  shrink(less, least);
  const names = JSON.parse(binaryen('wasm-opt', '--minify-imports-and-exports-and-modules', least, '-o', wasmFile));
  // The memory keeps its name: it is what tools that watch a page look for.
  const memory = names.exports.find(([from]) => from === 'memory');
  writeFileSync(wasmFile, renameExport(readFileSync(wasmFile), memory[1], memory[0]));
  memory[1] = memory[0];
  return names;
}

/** Writes the module with as few bytes as is found. */
function shrink(from, to) {
  // Taking the control flow apart once lets the passes after it find 1 kB more than Trunk's own run did, and a last run 1 kB.
  const passes = ['-Oz', '--flatten', '--rereloop', '-Oz', '--gufa', '-Oz', '--converge', '--strip-producers'];
  binaryen('wasm-opt', ...passes, from, '-o', to);
  binaryen('wasm-opt', '-Oz', '--converge', to, '-o', to);
}

/** Runs the passes once more, over the short names, in the order that leaves the fewest bytes to transfer. */
function settle(file) {
  const tried = [['-Oz', '--converge'], ['-O3', '-Oz', '--converge']].map((passes, place) => {
    const to = join(scratch, `tried${place}.wasm`);
    binaryen('wasm-opt', ...passes, file, '-o', to);
    return to;
  });
  const found = [file, ...tried].map(name => readFileSync(name)).map(bytes => ({ bytes, size: brotliCompressSync(bytes).length }));
  writeFileSync(file, found.reduce((least, next) => (next.size < least.size ? next : least)).bytes);
}

/** The module with one export under another name. A module is its header, then sections: kind, length, content. */
function renameExport(module, from, to) {
  const exportSection = 7;
  let at = 8;
  while (module[at] !== exportSection) at = span(module, at + 1).end;
  const section = span(module, at + 1);
  const old = Buffer.concat([leb128(from.length), Buffer.from(from)]);
  // The count of exports, then each: a name, a kind, an index. A name starts where the one before has ended.
  let name = number(module, section.start).end;
  while (!module.subarray(name, name + old.length).equals(old)) name = number(module, span(module, name).end + 1).end;
  const content = Buffer.concat([
    module.subarray(section.start, name), leb128(to.length), Buffer.from(to), module.subarray(name + old.length, section.end),
  ]);
  return Buffer.concat([module.subarray(0, at + 1), leb128(content.length), content, module.subarray(section.end)]);
}

/** A number in the variable length of WebAssembly, and where it ends. */
function number(module, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = module[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end: at };
  }
}

/** What stands behind its own length. */
function span(module, at) {
  const { value, end } = number(module, at);
  return { start: end, end: end + value };
}

function leb128(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

function dropUnused(whole, name) {
  return unused.test(name.toLowerCase()) ? '' : whole;
}

function binaryen(tool, ...args) {
  return execFileSync(join(tools, '.bin', tool), [...features, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** The script with the new names, without the functions that are no longer imported, minified. */
async function slimScript(script, { imports, exports }) {
  const newName = new Map(imports.map(([, from, to]) => [from, to]));
  const newModule = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(wasmFile)))[0].module;
  const modules = new Set(imports.map(([module]) => module).filter(module => !module.includes('__wasm_split')));
  if (modules.size !== 1) throw new Error(`the imports come from ${modules.size} modules, not from one`);
  // wasm-bindgen writes each import as `        name: function(…) {` up to `        },`, or in one line.
  script = script.replace(
    /^ {8}([\w$]+)(: (?:(?:async )?function\(.*\) \{\n(?: {12}.*\n|\n)* {8}\}|.*),?\n)/gm,
    (entry, name, rest) =>
      newName.has(name) ? `        ${JSON.stringify(newName.get(name))}${rest}` : /^(__wbg_|__wbindgen_)/.test(name) ? '' : entry,
  );
  script = script.replaceAll(JSON.stringify([...modules][0]), JSON.stringify(newModule));
  const newExport = new Map(exports);
  script = script.replace(/\bwasm\.([\w$]+)/g, (whole, name) => (newExport.has(name) ? `wasm[${JSON.stringify(newExport.get(name))}]` : whole));
  // Classes stand at the left edge, each with a line that makes it disposable and a registry that frees what it held.
  script = script.replace(/^export class (\w+) \{\n(?:.*\n)*?\}\n(?:if \(Symbol\.dispose\).*\n)?/gm, dropUnused);
  script = script.replace(/^const (\w+)Finalization = [^;]*;\n/gm, dropUnused);
  const { code } = await minify(script, { module: true, compress: { passes: 3, pure_getters: true }, format: { comments: false } });
  for (const name of newName.keys()) {
    if (code.includes(name)) throw new Error(`the import ${name} kept its long name`);
  }
  return code;
}
