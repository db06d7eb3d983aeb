// The table of parts: figures, percentages, units, and the work behind each row.
import assert from 'node:assert/strict';
import { examples } from './cases.mjs';
import { digits, eventually, plain, visit } from './page.mjs';

const parts = ['parameters', 'optimizer-state', 'gradients', 'master-weights', 'activations', 'context', 'workspace'];

visit('BERT-base has the figures worked out by hand', { query: '?v=1&units_per_token=37000' }, async page => {
  assert.deepEqual(await page.row('row-parameters'), ['Parameters', '419.62 MiB', '21.3']);
  assert.deepEqual(await page.row('row-optimizer-state'), ['Optimizer state', '839.23 MiB', '42.7']);
  assert.deepEqual(await page.row('row-gradients'), ['Gradients', '419.62 MiB', '21.3']);
  assert.deepEqual(await page.row('row-activations'), ['Activations', '289.06 MiB', '14.7']);
  assert.deepEqual(await page.row('row-total'), ['Total', '1,967.53 MiB', '100.0']);
  assert.equal(await page.text('total'), '1.92 GiB');
  assert.equal(await page.text('total-detail'), '1,967.53 MiB = 2,063,104,000 B');
});

visit('ResNet-50 has the figures worked out by hand', { query: examples[1].query }, async page => {
  assert.equal((await page.row('row-parameters'))[1], '47.68 MiB');
  assert.equal((await page.row('row-optimizer-state'))[1], '190.73 MiB');
  assert.equal((await page.row('row-gradients'))[1], '47.68 MiB');
  assert.equal((await page.row('row-activations'))[1], '1,024.00 MiB');
  assert.equal((await page.row('row-total'))[1], '1,310.10 MiB');
  assert.equal(await page.text('total'), '1.28 GiB');
});

// Decimal figures of the sources: 175 B FP16, 70 B FP16, 100 M FP16, the activations of 96 layers.
const decimal = [
  ['?v=1&params=175B&precision=fp16&task=inference&units_per_token=0&bytes=decimal', 'row-parameters', '350.00 GB', '350.00 GB'],
  ['?v=1&params=70B&precision=fp16&task=inference&units_per_token=0&bytes=decimal', 'row-parameters', '140.00 GB', '140.00 GB'],
  ['?v=1&params=100M&precision=fp16&task=inference&units_per_token=0&bytes=decimal', 'row-parameters', '200.00 MB', '200.00 MB'],
  ['?v=1&params=1&precision=fp16&sequence_length=2048&layers=96&hidden_size=5120&activation_multiple=1&optimizer=sgd&gradient_precision=fp16&bytes=decimal', 'row-activations', '64.42 GB', '64.42 GB'],
];
visit('figures of the sources come out in decimal units', { query: false }, async page => {
  for (const [query, row, size, total] of decimal) {
    await page.open(query);
    assert.equal((await page.row(row))[1], size, query);
    assert.equal(await page.text('total'), total, query);
  }
});

visit('system memory is a quarter more than the device’s', { query: '?v=1&device=custom&device_memory=350GB&bytes=decimal' }, async page => {
  assert.equal((await page.row('system-memory'))[1], '437.50 GB');
});

visit('the units switch changes every figure and says which they are', async page => {
  await page.get('toggle-units').click();
  await eventually(() => page.text('total'), '2.06 GB');
  assert.match(await page.text('status'), /powers of 1,000/);
  assert.equal((await page.row('row-parameters'))[1], '440.00 MB');
  assert.match(await page.text('fit'), /10\.82 GB free/);
  for (const id of ['table', 'total', 'total-detail', 'fit', 'chart-sweep', 'chart-breakdown']) {
    const said = await page.get(id).evaluate(element => `${element.innerText} ${element.getAttribute('aria-label') ?? ''}`);
    assert.doesNotMatch(said, /[KMGT]iB/, id);
  }
  await page.addressed('?v=1&bytes=decimal');
  await page.get('toggle-units').click();
  await eventually(() => page.text('total'), '1.92 GiB');
});

visit('every size names its unit', async page => {
  for (const id of [...parts.map(part => `row-${part}`), 'row-total', 'system-memory']) {
    const [, size] = await page.row(id);
    assert.match(size, /^(< )?[\d,]+(\.\d+)? ([KMGTPE]i)?B$/, id);
  }
});

const scenarios = [
  '',
  '?v=1&units_per_token=37000',
  '?v=1&units_per_token=37000&workspace=10&fragmentation=15&context=500',
  '?v=1&params=1&batch=1&sequence_length=1&layers=1&hidden_size=1&activation_multiple=1',
  '?v=1&params=3&precision=fp64&batch=1&sequence_length=1&units_per_token=1&optimizer=sgd&gradient_precision=fp64',
  '?v=1&params=7B&precision=bf16&optimizer=adam8bit&master_weights=yes&workspace=33.3&context=333',
  '?v=1&params=175B&task=inference',
  '?v=1&params=10&batch=10000&workspace=95',
];
visit('percentages sum to 100.0, and bytes to the total', { query: false }, async page => {
  for (const query of scenarios) {
    await page.open(query);
    const rows = await Promise.all(parts.map(part => page.row(`row-${part}`)));
    const tenths = rows.map(row => Math.round(Number(row[2]) * 10));
    assert.equal(tenths.reduce((sum, share) => sum + share, 0), 1000, `${query}: ${tenths.join(' ')}`);
    assert.equal((await page.row('row-total'))[2], '100.0', query);
    const bytes = Object.values(await page.parts());
    assert.equal(bytes.reduce((sum, part) => sum + part, 0), await page.bytes(), query);
  }
});

visit('every row shows its work in symbols and in numbers', { query: '?v=1&precision=fp16&master_weights=yes&workspace=10&context=500' }, async page => {
  for (const part of [...parts, 'total', 'system-memory']) {
    const work = page.get(`work-${part}`);
    const button = page.get(`show-work-${part}`);
    assert.equal(await work.isVisible(), false, part);
    assert.equal(await button.getAttribute('aria-expanded'), 'false');
    await button.click();
    await work.waitFor();
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    assert.match(await button.getAttribute('aria-label'), /^Hide the work: /);
    assert.equal(plain(await button.innerText()), 'Hide the work');
    const [symbols, numbers] = (await work.locator('code').allTextContents()).map(plain);
    assert.ok(symbols.length > 0, part);
    assert.match(numbers, / = [\d,]+ B$/, part);
    if (part !== 'context') assert.match(symbols, /[A-Za-z]/, part);
    await button.click();
    await work.waitFor({ state: 'hidden' });
  }
});

visit('the work of the total leaves out what is nothing', async page => {
  await page.get('show-work-total').click();
  const work = (await page.get('work-total').locator('code').allTextContents()).map(plain);
  assert.equal(work[0], 'M_P + M_S + M_G + M_A');
  assert.doesNotMatch(work[1], /(^| )0 B/);
});

visit('the work follows the inputs while it is open', async page => {
  await page.get('show-work-parameters').click();
  const numbers = async () => plain(await page.get('work-parameters').locator('code').last().innerText());
  assert.equal(await numbers(), '110,000,000 × 4 B = 440,000,000 B');
  await page.type('params', '7B');
  await eventually(numbers, '7,000,000,000 × 4 B = 28,000,000,000 B');
});

visit('the size of each row is the bytes of its work', { query: examples[3].query }, async page => {
  for (const [part, bytes] of Object.entries(examples[3].bytes)) {
    const [, size] = await page.row(`row-${part}`);
    await page.get(`show-work-${part}`).click();
    const work = plain(await page.get(`work-${part}`).innerText());
    assert.ok(work.includes(`= ${bytes.toLocaleString('en')} B`), work);
    const [figure, unit] = size.split(' ');
    assert.equal(unit, 'GiB');
    const exact = bytes / 2 ** 30;
    assert.ok(Math.abs(digits(figure) / 100 - exact) <= 0.005 + 1e-9, `${part}: ${size} is not ${exact}`);
  }
});

visit('notes warn of what the quick estimate leaves out', { query: '?v=1&params=7B&task=inference' }, async page => {
  assert.ok((await page.get('notes').locator('li').count()) >= 2);
  assert.match(await page.text('notes'), /key-value cache/);
});

visit('a device’s memory is stated with its source', { query: '?v=1&device=rtx-4090-24gb' }, async page => {
  const note = page.get('device-note');
  assert.match(plain(await note.innerText()), /RTX 4090 24 GB: advertised 24\.00 GiB, reported by the driver 23\.99 GiB/);
  const source = note.getByRole('link');
  assert.match(await source.getAttribute('href'), /^https:\/\//);
  await page.fill({ device: 'custom', 'device-memory': '48 GiB' });
  await source.waitFor({ state: 'hidden' });
  await eventually(async () => plain(await note.innerText()).startsWith('A 48 GiB device: '), true);
});
