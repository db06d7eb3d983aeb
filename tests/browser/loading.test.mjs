// The files beside the first: each is asked for when it is wanted, once, and missed without harm. What stands under the total
// is wanted as soon as the total stands, what only described models need when one is chosen.
import assert from 'node:assert/strict';
import { eventually, phone, site, visit, wide } from './page.mjs';

const details = /_details\.wasm$/;
const later = /_described\.wasm$/;
const choose = (page, key) => page.get('model-kind').locator(`input[value="${key}"]`).click();
const chosen = page => page.get('model-kind').locator('input:checked').getAttribute('value');

/** Keeps these files back until the function that it gives is called. */
async function hold(page, files) {
  let release;
  const held = new Promise(done => { release = done; });
  await page.context.route(files, async route => { await held; await route.continue(); });
  return release;
}

/** The requests for the file. */
function counted(page) {
  const requests = [];
  page.context.on('request', request => { if (later.test(request.url())) requests.push(request.url()); });
  return requests;
}

visit('by size nothing more is loaded; a described model loads its part once', { query: false }, async page => {
  const requests = counted(page);
  await page.open();
  await page.type('batch', '8');
  await page.addressed('?v=1&batch=8');
  assert.deepEqual(requests, []);
  for (const key of ['name', 'size', 'hand']) {
    await choose(page, key);
    await eventually(() => chosen(page), key);
  }
  await page.input('model-type').waitFor();
  assert.equal(await page.input('batch').inputValue(), '8');
  assert.equal(requests.length, 1);
  assert.equal(await page.text('status'), '');
});

visit('a link to a described model asks for every file at once', { query: false }, async page => {
  const order = [];
  page.context.on('request', request => order.push(new URL(request.url()).pathname.match(/(_bg|_details|_described)?\.\w+$/)?.[0]));
  await page.open('?model=gpt2');
  for (const file of ['_details.wasm', '_described.wasm']) {
    assert.ok(order.indexOf(file) < order.indexOf('.js'), order.join(' '));
    assert.equal(order.filter(name => name === file).length, 1);
  }
});

visit('while the part is under way the page goes on by size', async page => {
  const release = await hold(page, later);
  await choose(page, 'name');
  await eventually(() => page.text('status'), 'Loading the described models…');
  await page.type('batch', '4');
  await page.addressed('?v=1&batch=4');
  release();
  await page.addressed('?v=1&model=bert-base&batch=4');
  assert.equal(await page.text('status'), '');
  assert.equal(await page.input('batch').inputValue(), '4');
});

visit('choosing again while the part is under way leaves no trace', async page => {
  const release = await hold(page, later);
  await choose(page, 'name');
  await eventually(() => page.text('status'), 'Loading the described models…');
  await choose(page, 'size');
  await choose(page, 'hand');
  release();
  await page.input('model-type').waitFor();
  await eventually(() => chosen(page), 'hand');
  assert.equal(await page.text('status'), '');
});

visit('a part that does not arrive is missed without harm and asked for again', { allowed: [/./] }, async page => {
  await page.type('params', '7B');
  await page.addressed('?v=1&params=7B');
  await page.context.route(later, route => route.abort());
  await choose(page, 'config');
  await eventually(() => page.text('status').then(text => text.startsWith('What describes models could not be loaded.')), true);
  assert.equal(await chosen(page), 'size');
  assert.equal(await page.input('params').inputValue(), '7B');
  await page.context.unroute(later);
  await choose(page, 'config');
  await page.get('model-config').waitFor();
  assert.equal(await chosen(page), 'config');
});

visit('a link whose part does not arrive says so and keeps its address', { query: false, allowed: [/./] }, async page => {
  await page.context.route(later, route => route.abort());
  await page.open('?model=gpt2&batch=4');
  const said = 'What describes models could not be loaded. Check the connection, then choose again or reload the page.';
  assert.equal(await page.text('notice'), said);
  assert.equal(await page.input('batch').inputValue(), '4');
  assert.equal(page.query(), '?model=gpt2&batch=4');
  await page.context.unroute(later);
  await page.page.reload();
  await page.ready();
  assert.equal(await page.get('model-search').inputValue(), 'GPT-2');
});

visit('going back to a described model loads its part', { query: false }, async page => {
  await page.page.goto(`${site.url}?model=gpt2`);
  await page.ready();
  await page.page.goto(`${site.url}?params=7B`);
  await page.ready();
  const requests = counted(page);
  await page.page.evaluate(() => history.pushState(null, '', '?model=gpt2&batch=2'));
  await page.page.evaluate(() => history.pushState(null, '', '?params=8B'));
  await page.page.goBack();
  await eventually(() => page.get('model-search').inputValue(), 'GPT-2');
  assert.equal(await page.input('batch').inputValue(), '2');
  assert.equal(requests.length, 1);
});

/** Layout shifts are reported once the frame is over. */
const settled = page => page.page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

for (const [name, viewport] of Object.entries({ wide, phone })) {
  visit(`the total can be worked with before the rest of the answer is there, ${name}`, { query: false, viewport }, async page => {
    const release = await hold(page, details);
    await page.page.addInitScript(() => {
      window.shift = 0;
      new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; })
        .observe({ type: 'layout-shift', buffered: true });
    });
    await page.page.goto(site.url);
    await page.type('params', '7B');
    await page.addressed('?v=1&params=7B');
    assert.match(await page.text('total'), /^10\d\.\d+ GiB$/);
    assert.equal(await page.get('table').count(), 0);
    await page.page.getByText('The table and the charts are on their way.').waitFor();
    // The longer figure has moved what stands beside it.
    await settled(page);
    await page.page.evaluate(() => { window.shift = 0; });
    release();
    await page.ready();
    assert.deepEqual((await page.row('row-parameters')).slice(0, 2), ['Parameters', '26.08 GiB']);
    await page.get('chart-sweep').waitFor();
    await settled(page);
    assert.equal(await page.page.evaluate(() => window.shift), 0);
  });
}

/** Makes the page believe that it was asked for so many milliseconds ago, and notes what stands with the first total. */
const asked = milliseconds => [milliseconds => {
  Performance.prototype.now = () => milliseconds;
  window.first = undefined;
  new MutationObserver((_, observer) => {
    if (!/\d/.test(document.querySelector('[data-testid=total]')?.textContent ?? '')) return;
    observer.disconnect();
    window.first = ['table', 'chart-sweep', 'notes'].filter(id => document.querySelector(`[data-testid=${id}]`));
  }).observe(document, { subtree: true, childList: true, characterData: true });
}, milliseconds];

visit('who has just asked gets everything in one go', { query: false }, async page => {
  await page.page.addInitScript(...asked(100));
  // However slow this machine is, the page's patience lasts.
  await page.page.addInitScript(() => {
    const { setTimeout } = window;
    window.setTimeout = (call, delay, ...given) => (delay === 300 ? 0 : setTimeout(call, delay, ...given));
  });
  await page.page.goto(site.url);
  await page.ready();
  assert.deepEqual(await page.page.evaluate(() => window.first), ['table', 'chart-sweep', 'notes']);
});

visit('who has just asked does not wait for long', { query: false }, async page => {
  await page.page.addInitScript(...asked(100));
  const release = await hold(page, details);
  await page.page.goto(site.url);
  await page.get('total').waitFor();
  release();
  await page.ready();
  assert.deepEqual(await page.page.evaluate(() => window.first), []);
});

visit('who has waited gets the total at once', { query: false }, async page => {
  await page.page.addInitScript(...asked(10_000));
  await page.page.goto(site.url);
  await page.ready();
  assert.deepEqual(await page.page.evaluate(() => window.first), []);
});

visit('the rest of the answer can be asked for again', { query: false, allowed: [/./] }, async page => {
  await page.context.route(details, route => route.abort());
  await page.page.goto(site.url);
  await page.get('load-details').waitFor();
  assert.equal(await page.text('details-room'),
    'The table and the charts could not be loaded. Check the connection, then try again. Try again');
  await page.type('params', '7B');
  await page.addressed('?v=1&params=7B');
  // A model cannot be described without it either.
  await choose(page, 'name');
  await eventually(() => chosen(page), 'size');
  await page.context.unroute(details);
  await page.get('load-details').click();
  await page.ready();
  assert.deepEqual((await page.row('row-parameters')).slice(0, 2), ['Parameters', '26.08 GiB']);
  await choose(page, 'name');
  await page.get('model-search').waitFor();
});

visit('a described model brings the rest of the answer along where that was missing', { query: false, allowed: [/./] }, async page => {
  await page.context.route(details, route => route.abort());
  await page.page.goto(site.url);
  await page.get('load-details').waitFor();
  await page.context.unroute(details);
  await choose(page, 'name');
  await page.ready();
  await page.get('table').waitFor();
  await page.get('chart-timeline').waitFor();
  assert.equal(await chosen(page), 'name');
});

visit('what an action did is said before the rest of the answer is there', { query: false }, async page => {
  const release = await hold(page, details);
  await page.page.goto(site.url);
  await page.get('toggle-units').click();
  await eventually(() => page.text('status'), 'Sizes in kB, MB, GB: powers of 1,000.');
  release();
  await page.ready();
  await eventually(() => page.text('status'), 'Sizes in kB, MB, GB: powers of 1,000.');
});

visit('a frame that shows the total alone loads nothing else', { query: false }, async page => {
  const requests = [];
  page.context.on('request', request => { if (/\.wasm$/.test(request.url())) requests.push(request.url()); });
  await page.open('?embed=1&show=total');
  await page.page.waitForLoadState('networkidle');
  assert.equal(requests.length, 1);
  await page.open('?embed=1&show=total,table');
  assert.equal(requests.length, 3);
});
