// Every kind of input recomputes the answer.
import assert from 'node:assert/strict';
import { eventually, plain, visit } from './page.mjs';

const start = 2_061_989_888; // 110 M × 16 B + 32 × 128 × 12 × 768 × 4 × 2 B

visit('the page opens with BERT-base by layers', async page => {
  await page.totals(start);
  assert.equal(await page.text('total'), '1.92 GiB');
  assert.equal((await page.values()).params, '110M');
  assert.equal(page.query(), '');
});

visit('every keystroke recomputes the total', async page => {
  const params = page.input('params');
  await params.fill('');
  const typed = [['7', 301_990_000], ['0', 301_991_008], ['M', 1_421_989_888]];
  for (const [key, total] of typed) {
    await params.press(key);
    await page.totals(total, `after ${key}`);
  }
  await params.press('Backspace');
  await page.totals(301_991_008);
});

// What is filled in, in order, and the bytes that follow.
const inputs = [
  ['the number of parameters', { params: '7B' }, 112_301_989_888],
  ['the batch size', { batch: '64' }, 2_363_979_776],
  ['the sequence length', { 'sequence-length': '1' }, 1_762_359_296],
  ['the layers', { layers: '24' }, 2_363_979_776],
  ['the hidden size', { 'hidden-size': '1024' }, 2_162_653_184],
  ['the activation multiple', { 'activation-multiple': '16.5' }, 3_005_708_288],
  ['the units per token', { 'activation-mode': 'units', 'units-per-token': '1,000' }, 1_768_192_000],
  ['the parameter precision', { precision: 'int4' }, 906_989_888],
  ['the activation precision', { 'activation-precision': 'fp32' }, 2_363_979_776],
  ['the gradient precision', { 'gradient-precision': 'fp16' }, 1_841_989_888],
  ['the optimizer', { optimizer: 'sgd' }, 1_181_989_888],
  ['the factor of a custom optimizer', { optimizer: 'custom', 'optimizer-factor': '0.5' }, 1_401_989_888],
  ['the state precision', { precision: 'fp16', 'state-precision': 'fp32' }, 1_841_989_888],
  ['the master weights', { precision: 'fp16', 'master-weights': true }, 1_841_989_888],
  ['the task', { task: 'inference' }, 465_165_824],
  ['the workspace', { workspace: '20' }, 2_577_487_360],
  ['the context', { context: '500' }, 2_586_277_888],
];
visit('every kind of input recomputes the total', { query: false }, async page => {
  for (const [what, values, total] of inputs) {
    await page.open();
    await page.totals(start);
    await page.fill(values);
    await page.totals(total, what);
    assert.equal(await page.get('stale').isVisible(), false, what);
  }
});

visit('fragmentation takes from the device, not from the job', async page => {
  assert.equal(await page.fit(), 'Fits RTX 3060 12 GB: 10.08 GiB free');
  await page.type('fragmentation', '50');
  await eventually(() => page.fit(), 'Fits RTX 3060 12 GB: 4.08 GiB free');
  await page.totals(start);
});

visit('the device changes the verdict', async page => {
  await page.type('params', '1B');
  await eventually(async () => (await page.fit()).startsWith('Does not fit RTX 3060 12 GB'), true);
  await page.pick('device', 'h100-80gb');
  await eventually(async () => (await page.fit()).startsWith('Fits H100 80 GB'), true);
});

visit('a custom device is any size with its unit', async page => {
  assert.equal(await page.input('device-memory').isVisible(), false);
  await page.fill({ device: 'custom', 'device-memory': '2 GiB' });
  await eventually(() => page.fit(), 'Tight on a 2 GiB device: 81.53 MiB free, less than the margin');
  await page.type('device-memory', '4GB');
  await eventually(() => page.fit(), 'Fits a 3.73 GiB device: 1.80 GiB free');
  await page.type('device-memory', '1024 MiB');
  await eventually(() => page.fit(), 'Does not fit a 1 GiB device: 942.47 MiB missing');
});

visit('the verdict has three words, a sign and the amount', async page => {
  // 12 GiB usable, a tenth of it margin: 10.8 GiB still fit.
  const verdicts = [
    ['700M', 'does fit', 'fits', '✓', /Fits .+: [\d.]+ GiB free$/],
    ['760M', 'is tight', 'tight', '!', /Tight on .+: [\d.]+ (GiB|MiB) free, less than the margin$/],
    ['900M', 'does not', 'does-not-fit', '✗', /Does not fit .+: [\d.]+ (GiB|MiB) missing$/],
  ];
  for (const [params, what, verdict, sign, words] of verdicts) {
    await page.type('params', params);
    await eventually(() => page.get('fit').getAttribute('data-verdict'), verdict, `${params} ${what}`);
    const text = await page.text('fit');
    assert.ok(text.startsWith(sign), text);
    assert.match(text, words);
  }
});

visit('the smallest device that holds the job is named', async page => {
  await page.type('params', '1B');
  await eventually(async () => (await page.text('smallest-device')).includes('24 GB'), true);
  await page.type('params', '175B');
  await eventually(() => page.text('smallest-device'), 'No single device of the list holds it.');
});

visit('realistic overheads set three inputs at once', async page => {
  await page.get('realistic-overheads').check();
  await eventually(async () => {
    const { workspace, fragmentation, context } = await page.values();
    return [workspace, fragmentation, context];
  }, ['10', '15', '500']);
  // (2,061,989,888 + 524,288,000) ÷ 0.9 = 2,873,642,097.8, the workspace rounded up.
  await page.totals(2_873_642_098);
  await page.get('realistic-overheads').uncheck();
  await page.totals(start);
});

visit('numbers are read as people write them', async page => {
  const written = ['25M', '25m', '0.025B', '2.5e7', '2.5E7', '25_000_000', '25,000,000', '25 000 000', '25000000', ' 25M ', '25000k'];
  for (const text of written) {
    await page.type('params', '1');
    await page.type('params', text);
    await page.totals(25_000_000 * 16 + 301_989_888, text);
  }
});

visit('a short number is read back in full beside the input', async page => {
  await page.type('params', '6.7B');
  await page.page.getByText('= 6,700,000,000').waitFor();
});

visit('inputs that do not apply are hidden', { query: '?precision=fp16' }, async page => {
  const shown = async names => Promise.all(names.map(name => page.input(name).isVisible()));
  assert.deepEqual(await shown(['layers', 'hidden-size', 'activation-multiple', 'units-per-token']), [true, true, true, false]);
  await page.choose('activation-mode', 'units');
  await eventually(() => shown(['layers', 'hidden-size', 'activation-multiple', 'units-per-token']), [false, false, false, true]);

  const training = ['optimizer', 'optimizer-factor', 'state-precision', 'gradient-precision', 'master-weights'];
  assert.deepEqual(await shown(training), [true, false, true, true, true]);
  await page.pick('optimizer', 'custom');
  await eventually(() => shown(training), [true, true, true, true, true]);
  await page.pick('optimizer', 'adam8bit');
  await eventually(() => shown(training), [true, false, false, true, true]);
  await page.pick('precision', 'fp32');
  await eventually(() => shown(training), [true, false, false, true, false]);
  await page.choose('task', 'inference');
  await eventually(() => shown(training), [false, false, false, false, false]);
});

visit('what was typed is still there when an input comes back', async page => {
  await page.type('layers', '48');
  await page.choose('activation-mode', 'units');
  await page.input('layers').waitFor({ state: 'hidden' });
  await page.choose('activation-mode', 'layers');
  assert.equal(await page.input('layers').inputValue(), '48');
});

visit('a burst of edits ends in the answer to the last', async page => {
  await page.page.evaluate(() => {
    const input = document.querySelector('[data-testid="input-params"]');
    for (let value = 1; value <= 500; value += 1) {
      input.value = `${value}M`;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  await page.totals(500_000_000 * 16 + 301_989_888);
  assert.equal(plain(await page.get('row-parameters').locator('td').first().innerText()), '1,907.35 MiB');
});
