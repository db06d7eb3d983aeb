// The compact view for a frame in somebody's documentation.
import assert from 'node:assert/strict';
import { Calculator, eventually, host, narrow, site, visit } from './page.mjs';

const docs = await host({ '/tools/memory/': 'dist', '/docs/': 'tests' });
// 7 B × (2 + 2 × 2 + 2) B + 2,048 × 32 × 4,096 × 4 × 2 B
const total = 58_147_483_648;

async function openDocs(page) {
  page.origins.add(docs.origin);
  await page.page.goto(`${docs.origin}/docs/embed.html`);
  const frame = new Calculator(page.page.frameLocator('#calculator'));
  await frame.get('total').waitFor();
  return frame;
}

/** Whether anything of it can be seen; a screen reader may find more. */
const inSight = locator => locator.evaluateAll(elements => elements.some(element => {
  const { width, height } = element.getBoundingClientRect();
  return width > 1 && height > 1 && getComputedStyle(element).clipPath === 'none';
}));

/** The frame's own document, for what a locator cannot ask. */
const inside = async page => (await page.page.locator('iframe').elementHandle()).contentFrame();

visit('a docs page embeds the calculator from another folder', { query: false }, async page => {
  const frame = await openDocs(page);
  await frame.totals(total);
  assert.match(await frame.fit(), /Fits A100 80 GB/);
  assert.ok(docs.seen.every(path => path.startsWith('/docs/') || path.startsWith('/tools/memory/')), docs.seen.join(' '));
});

visit('the frame is as high as what it shows', { query: false }, async page => {
  const frame = await openDocs(page);
  const iframe = page.page.locator('#calculator');
  const fits = async () => {
    const { height } = await iframe.boundingBox();
    const needed = await (await inside(page)).evaluate(() => {
      const last = [...document.querySelectorAll('main *')].filter(element => element.getClientRects().length > 0);
      return Math.max(...last.map(element => element.getBoundingClientRect().bottom + scrollY));
    });
    const scrolls = await (await inside(page)).evaluate(() => document.documentElement.scrollHeight > innerHeight);
    return !scrolls && height - needed < 60;
  };
  await eventually(fits, true);
  const closed = (await iframe.boundingBox()).height;

  await frame.page.getByText('Inputs', { exact: true }).click();
  await eventually(async () => (await iframe.boundingBox()).height > closed + 300, true, 'grows with the inputs');
  await eventually(fits, true);

  await frame.page.getByText('Inputs', { exact: true }).click();
  await eventually(async () => Math.abs((await iframe.boundingBox()).height - closed) <= 2, true, 'shrinks again');

  await page.page.setViewportSize({ width: 400, height: 800 });
  await eventually(fits, true);
});

visit('the frame’s inputs recompute and its address stays an embedded one', { query: false }, async page => {
  const frame = await openDocs(page);
  await frame.page.getByText('Inputs', { exact: true }).click();
  await frame.type('params', '13B');
  await frame.totals(13_000_000_000 * 8 + 2_147_483_648);
  const own = await inside(page);
  await eventually(() => own.evaluate(() => location.search.includes('params=13B') && location.search.includes('embed=1')), true);
  assert.equal(await page.page.evaluate(() => location.search), '', 'the page around it is left alone');
});

visit('an embedded view has no header, examples or guide', { query: '?embed=1' }, async page => {
  assert.equal(await page.page.locator('#guide').isVisible(), false);
  const tops = await page.page.evaluate(() => [...document.body.querySelectorAll('*')]
    .filter(element => element.innerText?.trim() && element.getBoundingClientRect().height > 1)
    .map(element => element.getBoundingClientRect().top));
  assert.ok(Math.min(...tops) < 40, 'the view begins at the top');
  for (const element of ['h1', 'footer']) assert.equal(await inSight(page.page.locator(element)), false, element);
  assert.equal(await page.page.locator('[data-testid^="example-"]:visible').count(), 0);
  for (const id of ['total', 'fit', 'table', 'chart-breakdown', 'chart-sweep', 'open-full']) {
    assert.equal(await page.get(id).isVisible(), true, id);
  }
});

visit('show= shows no more than it names', { query: false }, async page => {
  const ids = { total: 'total', table: 'table', breakdown: 'chart-breakdown', sweep: 'chart-sweep' };
  for (const show of [['total'], ['table'], ['breakdown'], ['sweep'], ['total', 'table'], ['breakdown', 'sweep']]) {
    await page.open(`?embed=1&show=${show}`);
    for (const [part, id] of Object.entries(ids)) {
      // For the eyes: the table may stay for what a chart says to a screen reader.
      await eventually(() => inSight(page.get(id)), show.includes(part), `${id} with show=${show}`);
    }
    assert.equal(await page.get('open-full').isVisible(), true);
  }
});

visit('a chart that is shown alone is described by something that is there', { query: '?embed=1&show=breakdown' }, async page => {
  const canvas = page.get('chart-breakdown');
  await canvas.waitFor();
  const dangling = await canvas.evaluate(element =>
    (element.getAttribute('aria-describedby') ?? '').split(' ').filter(id => id && !document.getElementById(id)));
  assert.deepEqual(dangling, []);
});

for (const theme of ['light', 'dark']) {
  visit(`theme=${theme} sets the colours of the frame`, { query: `?embed=1&theme=${theme}`, colorScheme: theme === 'light' ? 'dark' : 'light' }, async page => {
    const lightness = await page.page.evaluate(() => {
      const [red, green, blue] = getComputedStyle(document.querySelector('[data-testid="total"]')).color.match(/\d+/g).map(Number);
      return (red + green + blue) / 765;
    });
    assert.ok(theme === 'dark' ? lightness > 0.6 : lightness < 0.4, `the total's lightness is ${lightness}`);
    // A link's theme is the frame's alone: it does not become this reader's choice.
    assert.equal(await page.page.evaluate(() => localStorage.length), 0);
  });
}

visit('‘open in the full calculator’ opens the same scenario', { query: '?embed=1&theme=dark&show=total&params=7B&bytes=decimal' }, async page => {
  const figure = await page.text('total');
  const opened = page.context.waitForEvent('page');
  await page.get('open-full').click();
  const full = new Calculator(await opened);
  await full.ready();
  assert.equal(full.query(), '?v=1&params=7B&bytes=decimal');
  assert.equal(await full.text('total'), figure);
  assert.equal(await full.page.locator('#guide').isVisible(), true);
  assert.equal(await full.page.evaluate(() => window.opener), null);
});

visit('‘open in the full calculator’ follows the inputs', { query: '?embed=1' }, async page => {
  await page.page.getByText('Inputs', { exact: true }).click();
  await page.type('batch', '64');
  await eventually(() => page.get('open-full').getAttribute('href'), `${site.url}?v=1&batch=64`);
});

visit('an embedded view fits a narrow column', { query: '?embed=1', viewport: narrow }, async page => {
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), narrow.width);
  await page.page.getByText('Inputs', { exact: true }).click();
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), narrow.width);
});

visit('a page on another origin learns the height', { query: false }, async page => {
  await openDocs(page);
  const iframe = page.page.locator('#calculator');
  await iframe.evaluate((element, address) => {
    element.style.height = '10px';
    element.src = address;
  }, `${site.url}?embed=1&show=total`);
  await eventually(async () => (await iframe.boundingBox()).height > 50, true);
});

visit('a frame in a sandbox works without storage or history', { query: false }, async page => {
  // Hosts of static pages let any origin read them, which a module in such a frame needs.
  await page.context.route(/\.(js|wasm)$/, async route => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'access-control-allow-origin': '*' } });
  });
  await page.context.route(`${site.url}sandbox.html`, route => route.fulfill({
    contentType: 'text/html',
    body: '<link rel=icon href="data:,"><iframe sandbox="allow-scripts" src="./?params=7B" width="1200" height="800"></iframe>',
  }));
  await page.page.goto(`${site.url}sandbox.html`);
  const frame = new Calculator(page.page.frameLocator('iframe'));
  await frame.get('total').waitFor();
  await frame.totals(112_301_989_888);
  await frame.type('params', '8B');
  await frame.totals(128_301_989_888);
  const theme = () => frame.page.locator('html').getAttribute('data-theme');
  await frame.get('toggle-theme').click();
  await eventually(theme, 'light');
  await frame.get('toggle-theme').click();
  await eventually(theme, 'dark');
  await page.page.waitForTimeout(400);
  await frame.totals(128_301_989_888);
});
