// Loading and editing times of the built page in a slowed-down browser, each beside its goal. It prints, and
// judges nothing: a time depends on the machine.
import { launch } from './browser.mjs';
import { serve } from './server.mjs';
import { budget, firstLoad } from './sizes.mjs';

const slower = 4; // times as long for every piece of work on the CPU
const line = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
const loads = 7;
// In a row: with few in a round, one would measure how the browser wakes up.
const edits = 400;
const rounds = 10;
const rests = 15;
/** A field, its value at an edit, and the query of the page. */
const bySize = { query: '', selector: '[data-testid=input-params]', first: 110_000_001, step: 1_234_567 };
const byName = { query: '?model=llama-2-7b', selector: '[data-testid=input-batch]', first: 33, step: 1 };
/** The same after scrolling to the timeline: charts far out of sight wait until typing pauses. */
const atTimeline = { ...byName, scrollTo: '[data-testid=chart-timeline]' };

const site = await serve();
await site.warm(firstLoad().map(name => '/' + name).concat('/'));
const browser = await launch();

/** A fresh visitor: nothing cached, nothing remembered. `before` runs ahead of the page's own scripts. */
async function visit({ slow, before } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Performance.enable');
  if (before) await page.addInitScript(before);
  if (slow) {
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower });
    await devtools.send('Network.emulateNetworkConditions', line);
  }
  return { page, devtools, leave: () => context.close() };
}

/** In the page: notes when the total holds its first digit, how far the layout moved, and the module's memory. */
function observe() {
  window.measured = { usable: undefined, whole: undefined, shift: 0, memory: undefined };
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) window.measured.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });

  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const result = await original.apply(WebAssembly, given);
      window.measured.memory ??= (result.instance ?? result).exports.memory;
      return result;
    };
  }

  const once = (stands, name) => new MutationObserver((_, observer) => {
    if (!stands()) return;
    observer.disconnect();
    requestAnimationFrame(() => { window.measured[name] = performance.now(); });
  }).observe(document, { subtree: true, childList: true, characterData: true });
  // A figure that stands in the static page is not yet a calculator.
  once(() => window.measured.memory && /\d/.test(document.querySelector('[data-testid=total]')?.textContent ?? ''), 'usable');
  once(() => document.querySelector('[data-testid=chart-sweep]'), 'whole');
}

/** In the page: `count` edits of a field, waiting for a frame after every `pace` of them. Returns those waits in ms. */
async function edit([{ selector, first, step: more }, count, pace]) {
  const field = document.querySelector(selector);
  const waits = [];
  for (let step = 0; step < count; step++) {
    const start = performance.now();
    field.value = String(first + step * more);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    const channel = new MessageChannel();
    await new Promise(done => {
      channel.port1.onmessage = done;
      const after = () => channel.port2.postMessage(0);
      if (step % pace === 0) requestAnimationFrame(after); else after();
    });
    channel.port1.close();
    if (step % pace === 0) waits.push(performance.now() - start);
  }
  return waits;
}

/** In the page: the texts that an edit of the field changes, for [`replace`]. */
async function watch({ selector, first, step }) {
  const field = document.querySelector(selector);
  const changed = new Set();
  const observer = new MutationObserver(records => { for (const { target } of records) changed.add(target); });
  observer.observe(document, { subtree: true, characterData: true });
  field.value = String(first + 999 * step);
  field.dispatchEvent(new Event('input', { bubbles: true }));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  observer.disconnect();
  window.changed = [...changed];
}

/** In the page: replaces the digits of those texts `count` times, a frame after each. */
async function replace(count) {
  for (let step = 0; step < count; step++) {
    for (const text of window.changed) text.data = text.data.replace(/\d/g, digit => (Number(digit) + 1) % 10);
    const channel = new MessageChannel();
    await new Promise(done => {
      channel.port1.onmessage = done;
      requestAnimationFrame(() => channel.port2.postMessage(0));
    });
    channel.port1.close();
  }
}

const ready = page => page.waitForFunction(() => window.measured.usable !== undefined && window.measured.whole !== undefined, undefined, { timeout: 60_000 });
const at = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
const median = values => at(values, 0.5);

async function loading() {
  const results = [];
  for (let round = 0; round < loads; round++) {
    const { page, devtools, leave } = await visit({ slow: true, before: observe });
    const files = new Map();
    const names = new Map();
    devtools.on('Network.requestWillBeSent', event => names.set(event.requestId, new URL(event.request.url)));
    devtools.on('Network.loadingFinished', event => {
      const address = names.get(event.requestId);
      const name = address.origin === site.origin ? address.pathname.slice(1) || 'index.html' : address.href.slice(0, 60);
      files.set(name, (files.get(name) ?? 0) + event.encodedDataLength);
    });
    await page.goto(site.url);
    await ready(page);
    await page.waitForTimeout(500);
    results.push(await page.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      usable: window.measured.usable,
      whole: window.measured.whole,
      shift: window.measured.shift,
    })));
    results[round].files = files;
    await leave();
  }
  return {
    paint: median(results.map(result => result.paint)),
    usable: median(results.map(result => result.usable)),
    whole: median(results.map(result => result.whole)),
    shift: Math.max(...results.map(result => result.shift)),
    files: results[0].files,
  };
}

async function keystroke(edited) {
  const { page, devtools, leave } = await visit({ before: observe });
  await page.goto(site.url + edited.query);
  await ready(page);
  await page.locator(`${edited.selector} >> visible=true`).waitFor();
  if (edited.scrollTo) await page.locator(edited.scrollTo).evaluate(element => element.scrollIntoView({ block: 'center' }));
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.evaluate(edit, [edited, 20, 1]);
  const busy = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1000 * metrics.find(metric => metric.name === 'TaskDuration').value;
  };
  await page.evaluate(watch, edited);
  const count = edits / rounds;
  const [works, bares, waits] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    const start = await busy();
    waits.push(...await page.evaluate(edit, [edited, count, 1]));
    const middle = await busy();
    await page.evaluate(replace, count);
    works.push((middle - start) / count);
    bares.push((await busy() - middle) / count);
  }
  const firsts = [];
  for (let rest = 0; rest < rests; rest++) {
    // Longer than anything waits for typing to pause.
    await page.waitForTimeout(700);
    const start = await busy();
    await page.evaluate(edit, [{ ...edited, first: edited.first + 100 + rest }, 1, 1]);
    firsts.push(await busy() - start);
  }
  await leave();
  return { works, bares, waits, firsts };
}

async function memory() {
  const { page, leave } = await visit({ before: observe });
  await page.goto(site.url);
  await ready(page);
  const bytes = () => page.evaluate(() => window.measured.memory.buffer.byteLength);
  await page.evaluate(edit, [bySize, 100, 1]);
  const early = await bytes();
  await page.evaluate(edit, [bySize, 9_900, 10]);
  const late = await bytes();
  await leave();
  return { early, late };
}

const say = (what, value, goal) => console.log(`${what.padEnd(60)} ${value.padStart(14)}${goal ? `   goal ${goal}` : ''}`);
const ms = value => `${value.toFixed(value < 100 ? 1 : 0)} ms`;

const { files, paint, usable, whole, shift } = await loading();
console.log(`\nA first visit at 1.6 Mbit/s, 150 ms, CPU ÷${slower}; times are the median of ${loads}`);
for (const [name, bytes] of files) say(`  ${name}`, `${bytes} B`);
say('transfer in all, under brotli, with headers', `${[...files.values()].reduce((a, b) => a + b, 0)} B`, `${budget} B`);
say('first contentful paint', ms(paint), '600 ms');
say('usable: the total holds a figure of the calculator', ms(usable), '1200 ms');
say('whole: table and charts stand under it', ms(whole));
say('layout shift (the largest of all visits)', shift.toFixed(4), '0');

for (const [what, edited] of [
  ['in the parameters', bySize],
  ['in the batch size of Llama 2 7B', byName],
  ['in the same with the timeline in sight', atTimeline],
]) {
  const { works, bares, waits, firsts } = await keystroke(edited);
  console.log(`\nOne keystroke ${what}, at CPU ÷${slower}; of ${edits}`);
  say('work on the main thread, median of the rounds', ms(median(works)), '12 ms');
  say('  in the quietest round: others share the machine', ms(Math.min(...works)));
  say('  the same texts replaced by a bare script', ms(median(bares)));
  say('  in the quietest round', ms(Math.min(...bares)));
  say('  the first after a rest, with what asks the browser for it', ms(median(firsts)));
  say('from the keystroke to the end of its frame, median', ms(median(waits)), 'the next frame');
  say('  the slowest in a hundred', ms(at(waits, 0.99)));
}

const { early, late } = await memory();
console.log('\n10,000 edits');
say('WebAssembly memory after the first 100', `${early} B`);
say('WebAssembly memory after all', `${late} B`, `${early} B`);

await browser.close();
await site.close();
