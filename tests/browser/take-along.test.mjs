// Taking the answer along: copies, pictures, links, embed code; reset and its undo. Each says what it did.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Calculator, eventually, host, site, visit } from './page.mjs';

const allowed = { permissions: ['clipboard-read', 'clipboard-write'], query: '?v=1&units_per_token=37000' };
const clipboard = page => page.page.evaluate(() => navigator.clipboard.readText());

visit('the results are copied as text', allowed, async page => {
  await page.get('copy-text').click();
  await eventually(() => page.text('status'), 'Copied the results as text.');
  assert.equal(await clipboard(page), [
    'parameters             419.62 MiB   21.3 %  110,000,000 × 4 B',
    'optimizer state        839.23 MiB   42.7 %  110,000,000 × 2 × 4 B',
    'gradients              419.62 MiB   21.3 %  110,000,000 × 4 B',
    'activations            289.06 MiB   14.7 %  32 × 128 × 37,000 × 2 B',
    'total                1,967.53 MiB  100.0 %',
    'device           Fits RTX 3060 12 GB: 10.08 GiB free',
    `inputs           ${page.page.url()}`,
    '',
  ].join('\n'));
});

visit('the results are copied as a Markdown table', allowed, async page => {
  await page.get('copy-markdown').click();
  await eventually(() => page.text('status'), 'Copied the results as a Markdown table.');
  const lines = (await clipboard(page)).trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, 3), [
    '| Component | MiB | % | Formula |',
    '|---|---:|---:|---|',
    '| parameters | 419.62 | 21.3 | P × b_P = 110,000,000 × 4 B |',
  ]);
  assert.equal(lines.at(-1), `Fits RTX 3060 12 GB: 10.08 GiB free. [Inputs](${page.page.url()})`);
  assert.equal(lines.at(-3), '| total | 1,967.53 | 100.0 |  |');
  assert.deepEqual(new Set(lines.slice(0, -2).map(line => line.split('|').length)), new Set([6]));
});

visit('the results are copied as JSON, question and answer', allowed, async page => {
  await page.get('copy-json').click();
  await eventually(() => page.text('status'), 'Copied the results as JSON.');
  const { scenario, estimate } = JSON.parse(await clipboard(page));
  assert.equal(scenario.parameters, 110_000_000);
  assert.equal(scenario.parameter_precision, 'fp32');
  assert.deepEqual(scenario.activation_units, { per_token: { units: 37_000 } });
  assert.equal(estimate.total, 2_063_104_000);
  const parts = estimate.parts.filter(part => part.bytes > 0).map(part => [part.kind, part.bytes, part.share]);
  assert.deepEqual(parts, [
    ['parameters', 440_000_000, 213],
    ['optimizer_state', 880_000_000, 427],
    ['gradients', 440_000_000, 213],
    ['activations', 303_104_000, 147],
  ]);
  assert.equal(estimate.smallest_device !== null, true);
});

visit('the results are copied as CSV', allowed, async page => {
  await page.get('copy-csv').click();
  await eventually(() => page.text('status'), 'Copied the results as CSV.');
  assert.deepEqual((await clipboard(page)).trimEnd().split('\n'), [
    'component,bytes,MiB,percent,formula',
    'parameters,440000000,419.62,21.3,"110,000,000 × 4 B"',
    'optimizer state,880000000,839.23,42.7,"110,000,000 × 2 × 4 B"',
    'gradients,440000000,419.62,21.3,"110,000,000 × 4 B"',
    'activations,303104000,289.06,14.7,"32 × 128 × 37,000 × 2 B"',
    'total,2063104000,1967.53,100.0,""',
  ]);
});

visit('copies are in the units that are shown', allowed, async page => {
  await page.get('toggle-units').click();
  await page.get('copy-csv').click();
  await eventually(() => page.text('status'), 'Copied the results as CSV.');
  assert.match(await clipboard(page), /^component,bytes,MB,percent,formula\nparameters,440000000,440\.00,/);
  await page.get('copy-text').click();
  await eventually(() => page.text('status'), 'Copied the results as text.');
  assert.doesNotMatch(await clipboard(page), /iB/);
});

visit('the link that is copied opens the same, before the address has followed', allowed, async page => {
  await page.type('params', '7B');
  await page.get('copy-link').click();
  await eventually(() => page.text('status'), 'Copied the link.');
  const link = await clipboard(page);
  assert.equal(link, `${site.url}?v=1&params=7B&units_per_token=37000`);
  const other = await page.another(new URL(link).search);
  await other.totals(await page.bytes());
});

visit('the embed code that is copied embeds the same', allowed, async page => {
  await page.type('params', '7B');
  await page.get('copy-embed').click();
  await eventually(() => page.text('status'), 'Copied the embed code.');
  const code = await clipboard(page);
  assert.match(code, /^<iframe [^<>]*><\/iframe>\n<script>[^<]*<\/script>$/);
  assert.match(code, / title="[^"]+"/);
  const docs = await host({ '/docs/': 'tests', '/tools/memory/': 'dist' });
  page.origins.add(docs.origin);
  await page.page.goto(`${docs.origin}/docs/embed.html`);
  // What goes while it loads says so on the console.
  for (const iframe of await page.page.locator('iframe').all()) await new Calculator(iframe.contentFrame()).ready();
  await page.page.evaluate(markup => {
    // Scripts run in a fragment of a range, not in what is set as innerHTML.
    document.body.replaceChildren(document.createRange().createContextualFragment(markup));
  }, code);
  const frame = new Calculator(page.page.frameLocator('iframe'));
  await frame.get('total').waitFor();
  await frame.totals(112_303_104_000);
  assert.equal(await frame.page.locator('#guide').isVisible(), false);
  // The frame is as high as what it shows: nothing scrolls within it.
  const room = () => page.page.frames()[1].evaluate(() => document.documentElement.scrollHeight - innerHeight);
  await eventually(room, 0);
});

// Ways in which a browser has no clipboard for the page, and whether a copy is then still made.
const without = [
  ['is missing, as on an insecure host', () => Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined })],
  ['refuses', () => { Clipboard.prototype.writeText = () => Promise.reject(new DOMException('denied', 'NotAllowedError')); }],
];
for (const [how, script] of without) {
  visit(`a clipboard that ${how} is got round`, { query: false }, async page => {
    await page.page.addInitScript(script);
    await page.page.addInitScript(() => {
      document.execCommand = command => {
        window.copied = [command, String(document.getSelection()) || document.activeElement.value];
        return true;
      };
    });
    await page.open('?v=1&units_per_token=37000');
    await page.get('copy-csv').click();
    await eventually(() => page.text('status'), 'Copied the results as CSV.');
    const [command, text] = await page.page.evaluate(() => window.copied);
    assert.equal(command, 'copy');
    assert.match(text, /^component,bytes,MiB/);
    assert.equal(await page.page.locator('textarea').count(), 0, 'nothing is left behind');
    assert.equal(await page.page.evaluate(() => document.activeElement.dataset.testid), 'copy-csv');
  });

  visit(`where the clipboard ${how} and nothing else works, the page says so`, { query: false }, async page => {
    await page.page.addInitScript(script);
    await page.page.addInitScript(() => { document.execCommand = () => false; });
    await page.open();
    await page.get('copy-link').click();
    await eventually(() => page.text('status'), 'The browser did not allow copying the link.');
  });
}

visit('what was said is announced', allowed, async page => {
  assert.equal(await page.get('status').getAttribute('role'), 'status');
  assert.equal(await page.text('status'), '');
});

for (const [chart, title] of [['breakdown', 'breakdown'], ['sweep', 'sweep']]) {
  for (const colorScheme of ['light', 'dark']) {
    visit(`the ${chart} chart is saved as a PNG in ${colorScheme} colours`, { colorScheme }, async page => {
      const client = await page.get(`chart-${chart}`).evaluate(canvas => [canvas.clientWidth, canvas.clientHeight]);
      const downloading = page.page.waitForEvent('download');
      await page.get(`download-${chart}`).click();
      const download = await downloading;
      assert.equal(download.suggestedFilename(), `nn-memory-${title}.png`);
      await eventually(() => page.text('status'), `Saved the chart as nn-memory-${title}.png.`);
      const file = await readFile(await download.path());
      assert.equal(file.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
      const size = [file.readUInt32BE(16), file.readUInt32BE(20)];
      // Around the picture: title, legend, figures, room on every side.
      assert.ok(size.every((length, axis) => length >= client[axis] * 2 + 64), `${size} for ${client}`);
      assert.equal(size[0], (client[0] + 32) * 2);

      const { colours, corner, transparent } = await page.page.evaluate(async base64 => {
        const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        const pixels = new Uint32Array(data.buffer);
        return {
          colours: new Set(pixels).size,
          corner: [...data.slice(0, 3)],
          transparent: pixels.some(pixel => (pixel >>> 24) !== 255),
        };
      }, file.toString('base64'));
      assert.ok(colours > 8, `${colours} colours`);
      assert.equal(transparent, false, 'a file has no page behind it');
      assert.ok(colorScheme === 'light' ? corner[0] > 200 : corner[0] < 60, `the ground is ${corner}`);
    });
  }
}

visit('reset puts every input back, and undo puts all of it back again', async page => {
  const values = { params: '7B', precision: 'bf16', batch: 'many', optimizer: 'sgd', workspace: '10', device: 'custom', 'device-memory': '48GB' };
  await page.fill(values);
  await page.choose('activation-mode', 'units');
  await page.get('stale').waitFor();
  const before = await page.values();
  const total = await page.bytes();
  assert.equal(await page.get('undo').isVisible(), false);

  await page.get('reset').click();
  await page.totals(2_061_989_888);
  assert.equal(await page.text('status'), 'Reset every input to its default.');
  assert.equal(await page.get('stale').isVisible(), false);
  await page.addressed('?v=1');
  const fresh = await page.another('');
  assert.deepEqual(await page.values(), await fresh.values());

  await page.get('undo').click();
  await eventually(() => page.values(), before);
  // The result that stood beside the batch size that cannot be read.
  await page.totals(total);
  assert.equal(await page.get('stale').isVisible(), true);
  await eventually(() => page.page.evaluate(() => document.activeElement.id), 'reset');
  assert.equal(await page.text('status'), 'Put your inputs back.');
  assert.equal(await page.get('undo').isVisible(), false);
});

visit('what is typed after a reset is not lost to its undoing', async page => {
  await page.type('params', '7B');
  await page.get('reset').click();
  await page.get('undo').waitFor();
  await page.type('batch', '64');
  await page.get('undo').waitFor({ state: 'hidden' });
});

visit('what is copied of the last good result says so', allowed, async page => {
  await page.fill({ params: '7B', batch: 'many' });
  await page.get('stale').waitFor();
  await page.get('copy-text').click();
  const said = 'Copied the results as text of the last good result: an input cannot be read.';
  await eventually(() => page.text('status'), said);
});

visit('the header says what it did where it can be seen', { ...allowed, viewport: { width: 1280, height: 900 } }, async page => {
  await page.get('copy-link').click();
  await eventually(() => page.text('status'), 'Copied the link.');
  const box = await page.get('status').boundingBox();
  assert.ok(box.y > 0 && box.y + box.height < 900, `${box.y}`);
});

visit('undo after a second reset brings back what the second took', async page => {
  await page.type('params', '7B');
  await page.get('reset').click();
  await page.type('params', '8B');
  await page.get('reset').click();
  await page.get('undo').click();
  await eventually(() => page.input('params').inputValue(), '8B');
});
