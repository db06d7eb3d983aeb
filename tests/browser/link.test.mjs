// The address holds the scenario: written while typing, read at the start and on back and forward, whatever it holds.
import assert from 'node:assert/strict';
import { examples, stored } from './cases.mjs';
import { eventually, host, visit } from './page.mjs';

const start = 2_061_989_888;
const pause = page => page.page.waitForTimeout(400); // longer than the address waits for typing to pause

visit('the address holds what differs from the defaults', async page => {
  await page.fill({ params: '7B', precision: 'bf16', batch: '8' });
  await page.addressed('?v=1&params=7B&precision=bf16&batch=8');
  await page.fill({ params: '110M', precision: 'fp32', batch: '32' });
  await page.addressed('?v=1');
});

visit('a link opens to the same inputs and the same numbers', async page => {
  const values = {
    params: '6.7B', precision: 'bf16', task: 'training', batch: '3', 'sequence-length': '4096',
    'activation-mode': 'layers', layers: '32', 'hidden-size': '4096', 'activation-multiple': '17.25',
    'activation-precision': 'bf16', optimizer: 'custom', 'optimizer-factor': '1.5', 'state-precision': 'fp32',
    'gradient-precision': 'bf16', 'master-weights': true, workspace: '7.5', fragmentation: '3', context: '480',
    device: 'custom', 'device-memory': '96GB',
  };
  await page.fill(values);
  const total = await page.bytes();
  const fit = await page.fit();
  const query = '?v=1&params=6.7B&precision=bf16&batch=3&sequence_length=4096&layers=32&hidden_size=4096'
    + '&activation_multiple=17.25&activation_precision=bf16&optimizer=custom&optimizer_factor=1.5&state_precision=fp32'
    + '&gradient_precision=bf16&master_weights=yes&workspace=7.5&fragmentation=3&context=480&device=custom'
    + '&device_memory=96GB';
  await page.addressed(query);
  const other = await page.another(query);
  await other.totals(total);
  assert.equal(await other.fit(), fit);
  assert.deepEqual(await other.values(), values);
  await page.page.reload();
  await page.ready();
  await page.totals(total);
});

visit('a link with units and decimal sizes opens to the same', async page => {
  await page.fill({ 'activation-mode': 'units', 'units-per-token': '21.7M', task: 'inference' });
  await page.get('toggle-units').click();
  await page.addressed('?v=1&task=inference&units_per_token=21.7M&bytes=decimal');
  const other = await page.another(page.query());
  assert.equal(await other.text('total'), await page.text('total'));
  await other.totals(await page.bytes());
});

visit('typing does not flood the history', async page => {
  const before = await page.page.evaluate(() => history.length);
  for (const text of ['7B', '8B', '13B', '34B', '70B']) {
    await page.input('params').fill('');
    await page.input('params').pressSequentially(text);
    await pause(page);
  }
  await page.addressed('?v=1&params=70B');
  assert.equal(await page.page.evaluate(() => history.length), before);
});

visit('typing writes the address once it pauses, not at every key', async page => {
  const calls = () => page.page.evaluate(() => window.written);
  await page.page.evaluate(() => {
    window.written = 0;
    const original = history.replaceState.bind(history);
    history.replaceState = (...given) => { window.written += 1; original(...given); };
  });
  await page.page.evaluate(() => {
    const input = document.querySelector('[data-testid="input-params"]');
    for (const text of ['1', '12', '123', '1234', '12345', '123456', '1234567']) {
      input.value = text;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  await page.addressed('?v=1&params=1234567');
  await pause(page);
  assert.equal(await calls(), 1);
});

visit('the address keeps the last readable scenario', async page => {
  await page.type('params', '7B');
  await page.addressed('?v=1&params=7B');
  await page.type('params', '7 bananas');
  await page.type('batch', '64');
  await pause(page);
  assert.equal(page.query(), '?v=1&params=7B');
  await page.type('params', '8B');
  await page.addressed('?v=1&params=8B&batch=64');
});

visit('back and forward go through examples and bring the inputs along', async page => {
  const before = await page.page.evaluate(() => history.length);
  await page.type('params', '13B');
  await page.addressed('?v=1&params=13B');
  const typed = await page.bytes();
  await page.get('example-resnet-50').click();
  await page.totals(1_373_741_824);
  await page.get('example-yolov8').click();
  await page.totals(58_707_200);
  assert.equal(await page.page.evaluate(() => history.length), before + 2);

  await page.page.goBack();
  await page.totals(1_373_741_824);
  assert.equal(await page.input('params').inputValue(), '25M');
  await page.page.goBack();
  await page.totals(typed);
  assert.equal(await page.input('params').inputValue(), '13B');
  await page.page.goForward();
  await page.page.goForward();
  await page.totals(58_707_200);
  await pause(page);
  assert.equal(page.query(), examples[5].query);
});

visit('an edit after an example changes that entry only', async page => {
  await page.get('example-yolov8').click();
  await page.type('batch', '16');
  // 45,600,000 + 16 × 3,276,800 × 4
  await page.totals(255_315_200);
  await eventually(() => page.query().includes('batch=16'), true);
  await page.page.goBack();
  await page.totals(start);
});

visit('following a link within the guide leaves the inputs as they are', async page => {
  await page.type('params', '7 bananas');
  await page.type('batch', '64');
  await page.page.locator('#guide a[href="#faq"]').first().click();
  await pause(page);
  assert.equal(await page.input('params').inputValue(), '7 bananas');
  assert.equal(await page.input('batch').inputValue(), '64');
});

visit('following a link within the guide keeps a reset that can be undone', async page => {
  await page.type('params', '7B');
  await page.get('reset').click();
  await page.page.locator('#guide a[href="#faq"]').first().click();
  await pause(page);
  assert.equal(await page.get('undo').isVisible(), true);
});

visit('an example opened with a modifier key opens beside, not instead', async page => {
  const opened = page.context.waitForEvent('page');
  await page.get('example-yolov8').click({ modifiers: ['Control'] });
  const other = await opened;
  await other.waitForLoadState();
  assert.equal(new URL(other.url()).search, examples[5].query);
  await page.totals(start);
});

visit('stored links keep their numbers', { query: false }, async page => {
  for (const [query, total] of stored) {
    await page.open(query);
    await page.totals(total, query);
    assert.equal(await page.get('notice').isVisible(), false, query);
  }
});

visit('opening a link does not rewrite it', { query: stored[2][0] }, async page => {
  await pause(page);
  assert.equal(page.query(), stored[2][0]);
});

visit('a bad value gives way to its default and is named', { query: '?v=1&params=lots&batch=64&precision=fp12&device=abacus&colour=red' }, async page => {
  const notice = await page.text('notice');
  for (const key of ['params', 'precision', 'device']) assert.ok(notice.includes(`${key}: `), `${key} in ${notice}`);
  assert.ok(!notice.includes('batch: ') && !notice.includes('colour'), notice);
  assert.equal(await page.get('notice').isVisible(), true);
  const { params, precision, device, batch } = await page.values();
  assert.deepEqual({ params, precision, device, batch }, { params: '110M', precision: 'fp32', device: 'rtx-3060-12gb', batch: '64' });
  await page.totals(2_363_979_776);
});

visit('a later version is announced and read as far as it goes', { query: '?v=2&params=7B' }, async page => {
  assert.match(await page.text('notice'), /version 2/);
  assert.equal(await page.input('params').inputValue(), '7B');
});

visit('a notice goes when something else is opened', { query: '?params=lots' }, async page => {
  assert.equal(await page.get('notice').isVisible(), true);
  await page.get('example-bert-base').click();
  await page.get('notice').waitFor({ state: 'hidden' });
});

const hostile = [
  ['a very long value', `?params=${'9'.repeat(6_000)}`],
  ['very many keys', `?${Array.from({ length: 900 }, (_, index) => `k${index}=1`).join('&')}`],
  ['broken escapes', '?params=%zz&batch=%&layers=%4&device=%e4%'],
  ['bytes that are no text', '?params=%ff%fe%00&device=%c3%28'],
  ['the same key many times', '?batch=1&batch=2&batch=lots&batch=4&units_per_token=1&layers=3'],
  ['other scripts', '?params=١٢٣&batch=１２&device=日本語&layers=🧠'],
  ['a script', '?params=<script>window.injected=1</script>&device="><img src=x onerror=window.injected=1>'],
  ['an escaped script', '?params=%3Cscript%3Ewindow.injected%3D1%3C%2Fscript%3E&layers=%22%3E%3Cimg%20src%3Dx%20onerror%3Dwindow.injected%3D1%3E'],
  ['a script address', '?theme=javascript:alert(1)&show=javascript:alert(1)&device_memory=javascript:alert(1)&device=custom'],
  ['a prototype', '?__proto__=1&constructor=2&toString=3&hasOwnProperty=4'],
  ['numbers beyond all limits', '?params=1e400&batch=-1&layers=NaN&hidden_size=Infinity&workspace=100&context=1e99'],
  ['a product beyond 64 bits', '?params=1000T&batch=1e9&sequence_length=1e9&layers=1e6&hidden_size=1e9'],
  ['empty pairs', '?&&&=&=&?&v&params&batch=&'],
  ['unknown themes and parts', '?theme=mauve&show=everything,nothing&bytes=roman&embed=yes'],
];
for (const [what, query] of hostile) {
  visit(`a query with ${what} loads`, { query }, async page => {
    assert.ok(await page.bytes() > 0);
    assert.match(await page.text('total'), /^[\d,.]+ [KMGTPE]iB$/);
    assert.equal(await page.page.evaluate(() => window.injected), undefined);
    assert.equal(await page.page.locator('#app script, #app img').count(), 0);
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await page.type('params', '7B');
    await page.get('stale').waitFor({ state: 'hidden' });
    assert.equal((await page.row('row-parameters'))[0], 'Parameters');
  });
}

visit('a script in the query is shown as text', { query: '?params=<b>bold</b>' }, async page => {
  assert.ok((await page.text('notice')).includes('<b>bold</b>'));
});

visit('the address keeps the sub-folder it was opened in', { query: false }, async page => {
  const folder = await host({ '/a/deep/folder/': 'dist' });
  page.origins.add(folder.origin);
  await page.page.goto(`${folder.url}?batch=64`);
  await page.ready();
  await page.totals(2_363_979_776);
  await page.type('params', '7B');
  await page.addressed('?v=1&params=7B&batch=64');
  assert.equal(new URL(page.page.url()).pathname, '/a/deep/folder/');
  assert.ok(folder.seen.every(path => path.startsWith('/a/deep/folder/')), folder.seen.join(' '));
  await page.page.goto(`${folder.url}index.html?batch=64`);
  await page.ready();
  await page.totals(2_363_979_776);
});
