'use strict';
// Draws the report. Everything that came from a file's name goes on the page as text, never as markup.
// Groups are drawn a batch at a time, as the end of those drawn comes near the window: a browser lays out a
// hundred at once, but not thousands.
(() => {
  const data = JSON.parse(byId('data').textContent);
  const BATCH = 12;
  const AHEAD = 2000; // pixels
  const BLOCKS_KEPT = 32;
  const KINDS = {
    'exact': 'exact copy', 'same-pixels': 'same pixels', 're-encoded': 're-encoded', 'resized': 'resized',
    'colour': 'colours changed', 'rotated': 'rotated', 'mirrored': 'mirrored', 'cropped': 'cropped',
    'overlay': 'drawn over', 'embedded': 'inside another picture', 'similar-shot': 'another shot',
    'unknown': 'by fingerprints alone',
  };
  const STAGES = {
    'exact': 'same bytes', 'sieve': 'dHash', 'verifier': 'SSCD', 'geometry': 'geometry',
  };
  const HASH_BITS = 64;
  const PRESENCE = { gone: 'gone', changed: 'changed since the scan' };

  const list = byId('groups');
  const groups = data.groups.map(prepare);
  const more = byId('more');
  const end = new IntersectionObserver(atEnd, { rootMargin: `${AHEAD}px 0px` });
  let sorted = groups;
  let listed = groups;
  let drawn = 0;
  const blocks = new Map(); // thumbnails by block, the latest ones
  const waiting = []; // pictures whose block the browser has not read yet

  byId('summary').textContent = data.summary;
  byId('notes').textContent = [`Made on ${data.made} by neardup ${data.version}`, ...data.notes].join(' · ');
  fillChoices();
  arrange();
  byId('controls').hidden = false;
  listen();
  goTo(location.hash.slice(1));

  // --- what is known of a group ---------------------------------------------------------------------

  function prepare(group) {
    const folders = new Set(group.members.map((member) => member.folder));
    const taken = group.members.map((member) => member.taken).filter(Boolean).sort();
    group.members.forEach((member) => { member.path = pathOf(member); });
    return {
      ...group, folders, taken,
      kinds: new Set(group.matches.map(kindOf)),
      certainty: Math.min(1, ...group.members.filter((member) => member.match !== null)
        .map((member) => certainty(group.matches[member.match]))),
      text: group.members.map((member) => member.path).join('\n').toLowerCase(),
    };
  }

  function kindOf(match) { return match.kind ?? 'unknown'; }

  function certainty(match) {
    if (match.stage === 'exact') return 1;
    return match.confidence ?? match.similarity ?? 1 - (match.hamming ?? 0) / HASH_BITS;
  }

  function pathOf(member) {
    const folder = data.folders[member.folder];
    return (folder === '/' ? '' : folder) + '/' + member.name;
  }

  function uriOf(member) {
    return member.uri ?? 'file://' + member.path.split('/').map(encodeURIComponent).join('/');
  }

  function relative(path) {
    if (data.base && path === data.base) return '';
    return data.base && path.startsWith(data.base + '/') ? path.slice(data.base.length + 1) : path;
  }

  // --- drawing --------------------------------------------------------------------------------------

  function drawMore() {
    const batch = listed.slice(drawn, drawn + BATCH);
    list.append(...batch.map((group, place) => item(group, drawn + place)));
    drawn += batch.length;
    more.hidden = drawn === listed.length;
    end.unobserve(more); // what is observed anew is looked at anew
    if (!more.hidden) end.observe(more);
  }

  function atEnd(entries) {
    if (entries.at(-1).isIntersecting) drawMore();
  }

  function item(group, place) {
    const id = `g-${group.id}`;
    const element = make('li', { className: 'group', id, tabIndex: -1 },
      make('div', { className: 'head' },
        make('h2', { id: `${id}-name` }, group.members[0].name),
        make('span', { className: 'facts' }, `${group.members.length} files · `,
          make('b', {}, saving(group.frees, group.may_free)), ' · ',
          make('a', { href: `#${id}`, className: 'quiet', ariaLabel: `Link to group ${group.id}` }, group.id))),
      make('ul', { className: 'members', role: 'list' },
        ...group.members.map((member, number) => card(group, member, number))));
    if (group.seen_in.length) element.append(make('p', { className: 'seen' }, `Also seen in ${group.seen_in.join(', ')}`));
    if (group.matches.length > 1) element.append(allMatches(group));
    element.setAttribute('aria-labelledby', `${id}-name`);
    element.setAttribute('aria-posinset', place + 1);
    element.setAttribute('aria-setsize', listed.length);
    return element;
  }

  function card(group, member, place) {
    const absent = PRESENCE[member.presence];
    const picture = make('a', { className: 'picture', href: uriOf(member), target: '_blank', tabIndex: -1 });
    picture.rel = 'noopener';
    picture.setAttribute('aria-hidden', 'true'); // the path below is the same link, in words
    if (absent) picture.classList.add('absent');
    showPicture(picture, member, absent);
    return make('li', { className: 'member' }, picture, role(member, place), ...pathLink(member),
      ...facts(member), ...reason(group, member, place));
  }

  function role(member, place) {
    const tags = [place === 0 ? make('span', { className: 'tag keep' }, 'keep')
      : make('span', { className: 'tag' }, member.said_to_keep ? 'kept' : member.role)];
    if (PRESENCE[member.presence]) tags.push(make('span', { className: 'tag' }, PRESENCE[member.presence]));
    return make('div', { className: 'role' }, ...tags);
  }

  function pathLink(member) {
    const link = make('a', { className: 'path', href: uriOf(member), target: '_blank', title: member.path },
      member.name);
    link.rel = 'noopener';
    const folder = relative(data.folders[member.folder]);
    return folder ? [link, make('div', { className: 'path folder' }, folder)] : [link];
  }

  function facts(member) {
    const lines = [`${member.width}×${member.height} · ${bytes(member.bytes)} · ${member.format}`];
    if (member.taken) lines.push(`taken ${member.taken.slice(0, 16)}`);
    return lines.map((line) => make('div', { className: 'facts-line' }, line));
  }

  function reason(group, member, place) {
    if (place === 0) return [make('div', { className: 'why keeper' }, group.why)];
    const lines = [];
    const match = member.match === null ? null : group.matches[member.match];
    if (match !== null) {
      const other = group.members[match.a] === member ? match.b : match.a;
      const whom = other === 0 ? '' : ` · matches ${group.members[other].name}`;
      lines.push(make('div', { className: 'why' }, KINDS[kindOf(match)] + whom),
        make('div', { className: 'facts-line' }, measured(match)));
    }
    const frees = member.said_to_keep ? 'stays: you said to keep it'
      : member.frees ? `${bytes(member.frees)}, ${lost(member)}` : 'frees nothing: a hard link';
    return member.presence === 'gone' ? lines : [...lines, make('div', { className: 'facts-line' }, frees)];
  }

  // What goes away without a loss, and apart from it what has to be looked at or proven first.
  function saving(certain, doubtful) {
    if (!certain && doubtful) return `${bytes(doubtful)} to look at`;
    return `${bytes(certain)} to free${doubtful ? `, ${bytes(doubtful)} to look at` : ''}`;
  }

  function lost(member) {
    if (!member.losses) return 'not proven';
    return member.losses.length ? `loses ${member.losses.join(', ')}` : 'loses nothing';
  }

  function measured(match) {
    const parts = [STAGES[match.stage]];
    if (match.similarity !== null) parts.push(`similarity ${similarity(match)}`);
    else if (match.hamming) parts.push(`${match.hamming} of 64 bits differ`);
    return parts.join(', ');
  }

  function similarity(match) { // rounded down: 1.00 means the same vector
    return match.similarity === null ? '' : (Math.floor(match.similarity * 100 + 1e-6) / 100).toFixed(2);
  }

  function confidence(match) { // rounded down: 1.000 means the same bytes
    return match.confidence === null ? '' : (Math.floor(match.confidence * 1000 + 1e-6) / 1000).toFixed(3);
  }

  function allMatches(group) {
    const details = make('details', {}, make('summary', {}, `All ${group.matches.length} matches`));
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) details.append(matchTable(group));
    });
    return details;
  }

  function matchTable(group) {
    const columns = ['File', 'File', 'Kind', 'Stage', 'Similarity', 'Bits', 'Agreement', 'Confidence'];
    const rows = group.matches.map((match) => [
      group.members[match.a].name, group.members[match.b].name, KINDS[kindOf(match)], STAGES[match.stage],
      similarity(match), match.hamming ?? '', match.agreement === null ? '' : `${Math.round(match.agreement * 100)} %`,
      confidence(match),
    ]);
    const cell = (tag) => (text, column) => make(tag, { className: column > 3 ? 'number' : '' }, String(text));
    const head = columns.map(cell('th'));
    head.forEach((one) => { one.scope = 'col'; });
    const scroll = make('div', { className: 'scroll' }, make('table', {},
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.map(cell('td')))))));
    return scroll;
  }

  // --- pictures -------------------------------------------------------------------------------------

  function showPicture(place, member, absent) {
    const line = thumbnail(member.thumbnail);
    if (line === null) {
      if (!waiting.length) setTimeout(tryAgain, 100);
      waiting.push([place, member, absent]);
    } else if (line.startsWith('!')) {
      place.append(make('span', {}, absent ?? words(line.slice(1))));
    } else {
      place.append(make('img', { src: `data:image/webp;base64,${line}`, alt: '', decoding: 'async' }));
      if (absent) place.append(make('span', {}, absent));
    }
  }

  function tryAgain() { // the browser is still reading the end of this file
    for (const asked of waiting.splice(0)) if (asked[0].isConnected) showPicture(...asked);
  }

  function thumbnail(number) {
    const block = Math.floor(number / data.thumbnails_a_block);
    let lines = blocks.get(block);
    if (!lines) {
      const element = document.getElementById(`thumbnails-${block}`);
      const complete = element && (element.nextSibling || document.readyState !== 'loading');
      if (!complete) return document.readyState === 'loading' ? null : `!${btoa('this file is cut short')}`;
      lines = element.textContent.trim().split('\n');
      blocks.set(block, lines);
      if (blocks.size > BLOCKS_KEPT) blocks.delete(blocks.keys().next().value);
    }
    return lines[number % data.thumbnails_a_block] ?? '!';
  }

  function words(base64) {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  }

  // --- filter and order -----------------------------------------------------------------------------

  function fillChoices() {
    const counted = new Map();
    groups.forEach((group) => group.kinds.forEach((kind) => counted.set(kind, (counted.get(kind) ?? 0) + 1)));
    byId('kind').append(make('option', { value: '' }, 'any'), ...Object.keys(KINDS)
      .filter((kind) => counted.has(kind))
      .map((kind) => make('option', { value: kind }, `${KINDS[kind]} (${number(counted.get(kind))})`)));
    const folders = new Set();
    for (const folder of data.folders.map(relative)) {
      const parts = folder.split('/');
      parts.forEach((_, depth) => folders.add(parts.slice(0, depth + 1).join('/')));
    }
    folders.delete('');
    byId('folders').append(...[...folders].sort().map((value) => make('option', { value })));
  }

  function arrange() {
    const orders = {
      saving: () => 0,
      files: (a, b) => b.members.length - a.members.length,
      doubt: (a, b) => a.certainty - b.certainty,
      path: (a, b) => compare(a.members[0].path, b.members[0].path),
      newest: (a, b) => compare(b.taken.at(-1) ?? '', a.taken.at(-1) ?? ''),
      oldest: (a, b) => compare(a.taken[0] ?? '~', b.taken[0] ?? '~'),
    };
    sorted = [...groups].sort(orders[byId('order').value]);
    filter();
  }

  function filter() {
    const text = byId('text').value.trim().toLowerCase();
    const kind = byId('kind').value;
    const least = Number(byId('least').value);
    const below = foldersBelow(byId('folder').value.trim());
    listed = sorted.filter((group) => group.frees + group.may_free >= least
      && (!text || group.text.includes(text)) && (!kind || group.kinds.has(kind))
      && (!below || [...group.folders].some((folder) => below.has(folder))));
    list.replaceChildren();
    drawn = 0;
    drawMore();
    sayCount();
  }

  function sayCount() {
    const copies = listed.reduce((sum, group) => sum + group.members.length - 1, 0);
    const certain = listed.reduce((sum, group) => sum + group.frees, 0);
    const doubtful = listed.reduce((sum, group) => sum + group.may_free, 0);
    const of = listed.length === groups.length ? '' : ` of ${number(groups.length)}`;
    byId('count').textContent = listed.length === 0 ? `No group${of} fits`
      : `${number(listed.length)}${of} ${groups.length === 1 ? 'group' : 'groups'} · `
        + `${number(copies)} ${copies === 1 ? 'other file' : 'other files'} · ${saving(certain, doubtful)}`;
  }

  function foldersBelow(start) {
    if (!start) return null;
    const fits = (folder) => folder.startsWith(start) || relative(folder).startsWith(start);
    return new Set([...data.folders.keys()].filter((one) => fits(data.folders[one])));
  }

  function compare(a, b) { return a < b ? -1 : a > b ? 1 : 0; }

  // --- hands ----------------------------------------------------------------------------------------

  function listen() {
    let pause;
    const soon = () => { clearTimeout(pause); pause = setTimeout(filter, 80); };
    byId('text').addEventListener('input', soon);
    byId('folder').addEventListener('input', soon);
    byId('kind').addEventListener('change', filter);
    byId('least').addEventListener('change', filter);
    byId('order').addEventListener('change', arrange);
    byId('controls').addEventListener('reset', () => setTimeout(arrange));
    byId('controls').addEventListener('submit', (event) => { event.preventDefault(); filter(); });
    more.addEventListener('click', drawMore);
    document.addEventListener('keydown', onKey);
    addEventListener('hashchange', () => goTo(location.hash.slice(1)));
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target.closest('input, select');
    if (event.key === 'Escape' && typing) { event.target.blur(); return; }
    if (typing) return;
    if (event.key === '/') { event.preventDefault(); byId('text').focus(); }
    if (event.key === 'j') step(1);
    if (event.key === 'k') step(-1);
  }

  function step(by) {
    const here = [...list.children].indexOf(document.activeElement?.closest('.group'));
    const next = here < 0 ? 0 : here + by;
    if (next >= drawn) drawMore();
    show(list.children[next]);
  }

  function goTo(id) {
    const place = listed.findIndex((group) => `g-${group.id}` === id);
    while (place >= drawn) drawMore();
    show(list.children[place]);
  }

  function show(element) {
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: 'start' });
  }

  // --- small things ---------------------------------------------------------------------------------

  function byId(id) { return document.getElementById(id); }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function number(value) { return value.toLocaleString('en'); }

  function bytes(size) {
    let value = size;
    for (const unit of ['B', 'KB', 'MB', 'GB', 'TB', 'PB']) {
      if (value < 999.95 || unit === 'PB') return unit === 'B' ? `${size} B` : `${value.toFixed(1)} ${unit}`;
      value /= 1000;
    }
  }
})();
