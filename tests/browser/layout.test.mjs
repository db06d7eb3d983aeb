// Phone, wide and zoomed: nothing is cut off, nothing jumps, the total stays in view while editing.
import assert from 'node:assert/strict';
import { eventually, narrow, phone, plain, site, touch, visit, wide } from './page.mjs';

const everything = '?precision=fp16&optimizer=custom&device=custom&workspace=10&context=500&master_weights=yes';

/** Names of inputs in sight, by test id. */
const inputs = page => page.page.locator('[data-testid^="input-"]:visible').evaluateAll(elements => elements.map(element => element.dataset.testid));

/** Whether an element lies within the window and nothing covers its middle. */
const inView = locator => locator.evaluate(element => {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  if (top < 0 || left < 0 || bottom > innerHeight + 0.5 || right > innerWidth + 0.5) return false;
  const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return element === at || element.contains(at) || Boolean(at?.contains(element) && at.closest('label, [role]'));
});

for (const viewport of [wide, { width: 1080, height: 700 }, { width: 1079, height: 700 }, { width: 768, height: 1024 }, phone, narrow]) {
  visit(`nothing sticks out at ${viewport.width} px`, { viewport, query: everything }, async page => {
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
    for (const button of await page.page.getByRole('button', { name: /^About / }).all()) await button.click();
    for (const button of await page.page.getByRole('button', { name: /^(Show|Hide) the work/ }).all()) await button.click();
    for (const details of await page.page.locator('#guide details').all()) await details.evaluate(element => { element.open = true; });
    await page.type('params', '1000000000000000');
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
    // What is wider scrolls in a box of its own.
    const cut = await page.page.evaluate(() => [...document.querySelectorAll('body *')]
      .filter(element => element.getClientRects().length > 0 && !element.closest('.skip'))
      .filter(element => {
        for (let at = element.parentElement; at; at = at.parentElement) {
          if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(at).overflowX)) return false;
        }
        const { left, right } = element.getBoundingClientRect();
        return left < -0.5 || right > innerWidth + 0.5;
      })
      .map(element => element.dataset.testid ?? `${element.localName}.${element.className}`));
    assert.deepEqual(cut, []);
  });
}

for (const [name, settings] of [['a phone', { viewport: phone }], ['a narrow phone', { viewport: narrow }], ['a touch screen', touch], ['a wide screen', {}]]) {
  visit(`the total stays in view beside every input on ${name}`, { ...settings, query: everything }, async page => {
    for (const id of await inputs(page)) {
      const input = page.get(id);
      const focusable = await input.getAttribute('role') === 'radiogroup' ? input.locator('input').first() : input;
      await focusable.focus();
      await eventually(() => inView(page.get('total')), true, `the total, at ${id}`);
      await eventually(() => inView(focusable), true, `${id} itself`);
    }
  });
}

visit('the total stays in view when the last input is scrolled to', async page => {
  await page.input('device').scrollIntoViewIfNeeded();
  await page.page.mouse.wheel(0, 200);
  await page.page.waitForTimeout(100);
  assert.ok(await page.page.evaluate(() => scrollY) > 0);
  assert.equal(await inView(page.get('total')), true);
  assert.equal(await inView(page.get('fit')), true);
});

visit('the answer stands beside the inputs on a wide screen', async page => {
  const input = await page.input('params').boundingBox();
  const total = await page.get('total').boundingBox();
  assert.ok(total.x > input.x + input.width);
  assert.equal(await inView(page.get('chart-breakdown')), true);
});

visit('the answer stands right under the first inputs on a phone', { viewport: phone }, async page => {
  const top = async id => (await page.get(id).boundingBox()).y;
  assert.ok(await top('input-task') < await top('chart-breakdown'));
  assert.ok(await top('table') < await top('input-batch'));
});

// A trace holds every page of the browser, those of other tests too.
visit('a keystroke lays out the figures that change, not the page', async page => {
  const tracer = page.page.context().browser();
  const client = await page.page.context().newCDPSession(page.page);
  const { frameTree: { frame } } = await client.send('Page.getFrameTree');
  const type = text => page.input('params').evaluate(async (input, text) => {
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
  }, text);
  await type('150000001');
  for (const text of ['160000001', '161000002', '162000003']) {
    await tracer.startTracing(page.page, { categories: ['devtools.timeline'] });
    await type(text);
    const { traceEvents } = JSON.parse(await tracer.stopTracing());
    const layouts = traceEvents
      .filter(event => event.name === 'Layout' && event.args.beginData.frame === frame.id)
      .map(event => event.args.beginData.partialLayout);
    assert.ok(layouts.length > 0, `no layout at ${text}`);
    assert.deepEqual(layouts.filter(partial => !partial), [], `all of the page was laid out at ${text}`);
  }
});

visit('all of the table can be reached on a phone', { viewport: narrow }, async page => {
  await page.get('show-work-workspace').scrollIntoViewIfNeeded();
  await page.get('show-work-workspace').click();
  await page.get('work-workspace').waitFor();
});

visit('targets are at least 44 pixels high and wide on a touch screen', { ...touch, query: everything }, async page => {
  assert.equal(await page.page.evaluate(() => matchMedia('(pointer: coarse)').matches), true);
  await page.get('reset').tap();
  await page.get('undo').tap();
  const small = await page.page.evaluate(() => {
    // A label is part of what can be touched.
    const area = element => {
      const boxes = [element, element.closest('label')].filter(Boolean).map(at => at.getBoundingClientRect());
      return boxes.reduce((a, b) => ({
        left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom),
      }));
    };
    const targets = document.querySelectorAll('#app button, #app input, #app select, #app nav a, #app summary');
    return [...targets].filter(element => element.getClientRects().length > 0).flatMap(element => {
      const { left, top, right, bottom } = area(element);
      const name = element.dataset.testid ?? element.ariaLabel ?? element.textContent;
      return right - left < 44 || bottom - top < 44 ? [`${name}: ${Math.round(right - left)} × ${Math.round(bottom - top)}`] : [];
    });
  });
  assert.deepEqual(small, []);
});

visit('a phone does not zoom into an input that gets the focus', touch, async page => {
  // iOS does so where the text is smaller than 16 px, and then the total is out of sight.
  const small = await page.page.locator('input:visible, select:visible').evaluateAll(elements => elements
    .filter(element => !['radio', 'checkbox'].includes(element.type) && parseFloat(getComputedStyle(element).fontSize) < 16)
    .map(element => element.dataset.testid));
  assert.deepEqual(small, []);
});

visit('a phone leaves texts as they are typed', touch, async page => {
  const attributes = ['autocapitalize', 'autocomplete', 'spellcheck'];
  const values = await page.input('params').evaluate((element, names) => names.map(name => element.getAttribute(name)), attributes);
  assert.deepEqual(values, ['off', 'off', 'false']);
});

/** Before the page's own scripts: notes what moves. */
function noteShifts() {
  window.shifts = [];
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) {
      window.shifts.push([entry.value, ...entry.sources.map(source => source.node?.nodeName + '.' + source.node?.className)]);
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

for (const viewport of [wide, phone]) {
  visit(`nothing shifts while the page loads at ${viewport.width} × ${viewport.height}`, { viewport, query: false }, async page => {
    await page.page.addInitScript(noteShifts);
    // A slow line lets the guide be painted before the calculator comes.
    const devtools = await page.context.newCDPSession(page.page);
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', { offline: false, latency: 60, downloadThroughput: 400_000, uploadThroughput: 400_000 });
    await page.page.goto(site.url);
    await page.ready();
    await page.page.waitForTimeout(500);
    assert.deepEqual(await page.page.evaluate(() => window.shifts), []);
  });

  visit(`nothing shifts under who scrolls to the timeline at once at ${viewport.width} × ${viewport.height}`, { viewport, query: false }, async page => {
    await page.page.addInitScript(noteShifts);
    await page.page.goto(site.url + '?model=llama-2-7b');
    await page.get('chart-timeline').evaluate(element => {
      element.scrollIntoView({ block: 'center' });
      window.shifts = [];
    });
    // Longer than anything waits for typing to pause.
    await page.page.waitForTimeout(1_000);
    assert.deepEqual(await page.page.evaluate(() => window.shifts), []);
  });
}

visit('texts can be twice as large', { viewport: { width: 640, height: 800 } }, async page => {
  await page.page.evaluate(() => { document.documentElement.style.setProperty('font-size', '200%'); });
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), 640);
  assert.equal(plain(await page.get('total').innerText()), '1.92 GiB');
  assert.equal(await inView(page.get('total')), true);
});

visit('the page prints its figures', async page => {
  await page.page.emulateMedia({ media: 'print' });
  assert.equal(await page.get('total').isVisible(), true);
  assert.equal(await page.get('table').isVisible(), true);
  // On each sheet it would lie over the rows.
  await page.page.setViewportSize({ width: 700, height: 900 });
  assert.equal(await page.page.locator('.head').evaluate(head => getComputedStyle(head).position), 'static');
  assert.equal(await page.get('reset').isVisible(), false);
});

visit('on paper charts are light, whatever the screen is', { colorScheme: 'dark', query: '?model=gpt2' }, async page => {
  /** The colour of the first part in the bar, and of the timeline's second layer. */
  const drawn = () => page.page.evaluate(() => ['breakdown', 'timeline'].map(name => {
    const canvas = document.querySelector(`[data-testid="chart-${name}"]`);
    const [x, y] = name === 'breakdown' ? [0.005, 0.35] : [0.5, 0.82];
    const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    pixel.drawImage(canvas, -Math.round(canvas.width * x), -Math.round(canvas.height * y));
    const { data } = pixel.getImageData(0, 0, 1, 1);
    return `#${[...data.slice(0, 3)].map(value => value.toString(16).padStart(2, '0')).join('')}`;
  }));
  const at = event => page.page.evaluate(event => window.dispatchEvent(new Event(event)), event);
  await page.get('chart-timeline').scrollIntoViewIfNeeded();
  await eventually(drawn, ['#4aa3e8', '#ffc24d']);
  await at('beforeprint');
  // At once: no frame comes before paper.
  assert.deepEqual(await drawn(), ['#00569a', '#cf8a00']);
  await at('afterprint');
  await eventually(drawn, ['#4aa3e8', '#ffc24d']);
  assert.equal(await page.page.evaluate(() => document.documentElement.dataset.theme), 'system');
  assert.equal(await page.page.evaluate(() => localStorage.getItem('nn-memory:theme')), null);
  // What has gone is not drawn.
  await page.get('model-kind').locator('input[value="size"]').check();
  await eventually(() => page.get('chart-timeline').count(), 0);
  await at('beforeprint');
  await at('afterprint');
});
