"use strict";
(() => {
  // Every value goes in as text: nothing here writes HTML.
  const h = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children);
  const s = (tag, props = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
  function fill(node, props, children) {
    for (const [name, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "value") node.value = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }
  const $ = (id) => document.getElementById(id);
  const main = $("main");

  // ---- talking to the control API ------------------------------------------------------------------------------------
  const TOKEN = "mock-idp admin token";
  let token = sessionStorage.getItem(TOKEN) || "";
  class Refusal extends Error {}
  async function call(method, path, body) {
    const headers = { "x-mock-idp": "dashboard" };
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    let value = text;
    try { value = JSON.parse(text); } catch { /* not JSON */ }
    if (answer.status === 401) { askToken(); throw new Refusal("The admin token is missing or wrong."); }
    if (!answer.ok && answer.status !== 409) {
      throw new Refusal(value.message ? `${value.message}${value.fix ? ` (${value.fix})` : ""}` : `${answer.status} ${text}`);
    }
    return value;
  }
  const get = (path) => call("GET", path);
  const segment = encodeURIComponent;

  let tellTimer = 0;
  function tell(text, wrong = false) {
    $("told").textContent = text;
    $("told").className = wrong ? "wrong" : "";
    clearTimeout(tellTimer);
    if (text) tellTimer = setTimeout(() => tell(""), wrong ? 15000 : 4000);
  }
  const attempt = (action) => async (event) => {
    event?.preventDefault();
    try { await action(event); } catch (error) { tell(error.message, true); }
  };
  function askToken() {
    if ($("token-form")) return;
    main.replaceChildren(h("div", { class: "page" },
      h("h2", {}, "Admin token"),
      h("p", { class: "hint" }, "This server was started with --admin-token. It is kept for this tab only."),
      h("form", { class: "row", id: "token-form", onsubmit: attempt(async () => {
        token = $("token").value.trim();
        sessionStorage.setItem(TOKEN, token);
        await get("clock");
        route();
        listen();
      }) }, h("label", {}, "Token", h("input", { id: "token", type: "password", autocomplete: "off", required: true })), h("button", { class: "primary" }, "Use it"))));
    $("token").focus();
  }
  async function copy(text, what) {
    try { await navigator.clipboard.writeText(text); }
    catch {
      const area = h("textarea", { "aria-label": "Text to copy", value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    tell(`${what} copied`);
  }

  // ---- words ---------------------------------------------------------------------------------------------------------
  const time = (micros) => new Date(micros / 1000).toLocaleTimeString([], { hour12: false });
  const took = (micros) => micros === null || micros === undefined ? "" : micros < 1000 ? `${micros} µs` : `${(micros / 1000).toFixed(1)} ms`;
  const statusClass = (flow) => flow.status === "refused" ? "bad" : flow.status === "exchanged" ? "good" : "";
  const tag = (text, kind = "") => h("span", { class: `tag ${kind}` }, text);
  const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const json = (value) => typeof value === "string" ? value : JSON.stringify(value, null, 1);

  // ---- flows ---------------------------------------------------------------------------------------------------------
  const flows = new Map();
  let newest = 0, filter = "", onlyRefused = false, tab = "Wire", shown = null;
  const LIMIT = 500;

  async function loadFlows() {
    const changed = await get(`flows?limit=${LIMIT}${newest ? `&since=${newest}` : ""}`);
    for (const flow of changed) {
      flows.set(flow.id, flow);
      newest = Math.max(newest, flow.last);
    }
    if (flows.size > LIMIT) {
      const order = [...flows.values()].sort((one, other) => other.at - one.at);
      for (const flow of order.slice(LIMIT)) flows.delete(flow.id);
    }
    return changed;
  }
  function fits(flow, words) {
    if (onlyRefused && !flow.refused) return false;
    flow.text ??= [flow.id, flow.user, flow.client, flow.status, ...flow.faults, flow.refused ? "refused" : ""].join(" ").toLowerCase();
    return words.every((word) => flow.text.includes(word));
  }
  function flowEntry(flow) {
    return h("li", { "data-id": flow.id, "data-last": flow.last },
      h("a", { href: `#${flow.id}`, "aria-current": shown === flow.id ? "true" : undefined },
        h("div", { class: "who" }, h("span", {}, flow.user || "nobody yet"), tag(flow.status, statusClass(flow))),
        h("div", { class: "what" }, `${time(flow.at)} · ${flow.client || "no client"} · ${many(flow.steps, "request")}`),
        flow.faults.length ? h("div", { class: "what odd" }, flow.faults.join(", ")) : null));
  }
  /** Every flow has its entry, in order; those that the filter keeps back are hidden, so that clearing it costs nothing. */
  function drawList() {
    const list = $("flow-list");
    if (!list) return;
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const known = new Map([...list.children].filter((node) => node.dataset.id).map((node) => [node.dataset.id, node]));
    const focused = document.activeElement?.closest?.("li")?.dataset.id;
    let place = list.firstChild, count = 0;
    for (const flow of [...flows.values()].sort((one, other) => other.at - one.at)) {
      let node = known.get(flow.id);
      if (!node || node.dataset.last !== String(flow.last)) {
        const fresh = flowEntry(flow);
        if (node === place && node) place = node.nextSibling;
        node?.remove();
        node = fresh;
        if (focused === flow.id) requestAnimationFrame(() => fresh.firstChild.focus({ preventScroll: true }));
      }
      known.delete(flow.id);
      if (node === place) place = node.nextSibling; else list.insertBefore(node, place);
      const isShown = fits(flow, words), link = node.firstChild;
      if (node.hidden === isShown) node.hidden = !isShown;
      if (isShown) count += 1;
      if (shown === flow.id) link.setAttribute("aria-current", "true"); else if (link.hasAttribute("aria-current")) link.removeAttribute("aria-current");
    }
    for (const node of known.values()) node.remove();
    list.querySelectorAll(".empty").forEach((node) => node.remove());
    if (!count) list.append(h("li", { class: "empty" }, flows.size ? "No flow fits the filter." : "No sign-in yet. Open your app and sign in."));
    $("flow-count").textContent = `${count} of ${flows.size}`;
  }
  function flowsPage(id, step) {
    if (!$("flow-list")) {
      main.replaceChildren(h("div", { class: "split" },
        h("section", { class: "list", "aria-label": "Flows" },
          h("div", { class: "filter" },
            h("input", { id: "filter", type: "search", "aria-label": "Filter by user, client, status, fault", placeholder: "user, client, status, fault", value: filter, oninput: (event) => { filter = event.target.value; drawList(); } }),
            h("button", { type: "button", "aria-pressed": String(onlyRefused), onclick: (event) => { onlyRefused = !onlyRefused; event.target.setAttribute("aria-pressed", String(onlyRefused)); drawList(); } }, "Refused"),
            h("span", { id: "flow-count", class: "soft" })),
          h("ol", { id: "flow-list", onkeydown: walk })),
        h("section", { class: "detail", id: "detail", tabindex: "0", "aria-label": "The chosen flow" })));
    }
    document.querySelector(".split").classList.toggle("open", Boolean(id));
    shown = id;
    drawList();
    if (id) drawFlow(id, step); else drawStart();
  }
  /** Before the first sign-in: what an app needs to get there. */
  async function drawStart() {
    const choose = [h("h2", {}, "Flows"), h("p", { class: "hint" }, "Choose a flow: its requests, tokens and checks are shown here.")];
    $("detail").replaceChildren(...choose);
    document.querySelector(".split").classList.toggle("start", !flows.size);
    if (flows.size) return;
    const [env, clients] = await Promise.all([get("env"), get("clients")]).catch(() => [{}, []]);
    if (shown || flows.size || !$("detail")) return;
    $("detail").replaceChildren(h("h2", {}, "No sign-in yet"),
      h("p", { class: "hint" }, "Start your app with these variables, then sign in. The sign-in appears here while it happens."),
      h("pre", { tabindex: "0", id: "env" }, Object.entries(env).map(([name, value]) => `export ${name}='${value}'`).join("\n")),
      ...clients.length ? [h("h3", {}, `Redirect URIs of ${clients[0].id}`), h("p", { class: "hint" }, "Your app must send one of these, character for character. “Clients” registers another."),
        h("pre", { tabindex: "0" }, clients[0].redirect_uris.join("\n"))] : []);
  }
  function walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    const links = [...event.currentTarget.querySelectorAll("li:not([hidden]) a")];
    const at = links.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
  }
  let drawn = 0;
  async function drawFlow(id, stepNumber) {
    const mine = ++drawn;
    let flow;
    try { flow = await get(`flows/${segment(id)}`); }
    catch (error) { if (mine === drawn && $("detail")) $("detail").replaceChildren(h("p", { class: "notice bad" }, error.message)); return; }
    if (mine !== drawn || !$("detail")) return;
    const { requests } = flow;
    // Who opens a sign-in that went wrong wants to see where.
    const chosen = requests.find((step) => step.number === stepNumber) || requests.find((step) => step.refused) || requests[0];
    const names = ["Wire", "Tokens", "Checks", "Cookies", "Copy"];
    const panel = { Wire: wirePanel, Tokens: tokensPanel, Checks: checksPanel, Cookies: cookiesPanel, Copy: copyPanel }[tab];
    const select = (name) => { tab = name; drawFlow(id, stepNumber).then(() => document.getElementById(`tab-${name}`)?.focus()); };
    const focused = document.activeElement?.id;
    const top = $("detail").scrollTop;
    $("detail").replaceChildren(
      h("a", { class: "button back", href: "#flows" }, "← Flows"),
      h("h2", {}, flow.user || "Nobody signed in yet"),
      h("p", { class: "facts" }, tag(flow.status, statusClass(flow)), h("span", { class: "mono" }, flow.id), h("span", {}, `client ${flow.client || "unknown"}`),
        h("span", {}, flow.server ? `server ${flow.server}` : "org server"), h("span", {}, time(flow.at)),
        flow.faults.map((fault) => tag(fault + (flow.delivered.includes(fault) ? " delivered" : ""), "odd"))),
      h("div", { class: "columns" },
        h("div", { class: "diagram", tabindex: "0", role: "group", "aria-label": "Sequence diagram" }, diagram(flow, chosen)),
        h("div", {},
          h("div", { class: "tabs", role: "tablist", "aria-label": "About this flow", onkeydown: (event) => {
            const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (!move) return;
            event.preventDefault();
            select(names[(names.indexOf(tab) + move + names.length) % names.length]);
          } }, names.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", "aria-selected": String(name === tab), tabindex: name === tab ? "0" : "-1", onclick: () => select(name) }, name))),
          h("div", { role: "tabpanel", id: "panel", "aria-labelledby": `tab-${tab}` }, panel(flow, chosen)))));
    $("detail").scrollTop = top;
    if (focused && focused !== "detail") document.getElementById(focused)?.focus({ preventScroll: true });
  }

  const LANES = ["browser", "app", "mock-idp"];
  function diagram(flow, chosen) {
    const width = 560, row = 40, top = 34;
    const hasSecond = flow.requests.some((step) => step.to === "second origin");
    const lanes = hasSecond ? [...LANES, "second origin"] : LANES;
    const x = (name) => 60 + Math.max(0, lanes.indexOf(name)) * ((width - 120) / (lanes.length - 1));
    const height = top + flow.requests.length * row + 10;
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "list", "aria-label": "Requests in order" });
    for (const lane of lanes) {
      svg.append(s("line", { class: "lane", x1: x(lane), x2: x(lane), y1: top - 6, y2: height }),
        s("text", { x: x(lane), y: 20, "text-anchor": "middle", "font-weight": "600" }, lane));
    }
    flow.requests.forEach((step, index) => {
      const y = top + index * row, from = x(step.from), to = x(step.to), right = to > from;
      const status = step.response?.status;
      const kind = step.refused || status >= 400 || status === 0 ? "bad" : step.faults.length ? "odd" : "";
      const answer = status === undefined || status === null ? "…" : status === 0 ? "no answer" : String(status);
      svg.append(s("g", { role: "listitem" }, s("a", { href: `#${flow.id}/step-${step.number}`, id: `step-${step.number}`, class: kind, "aria-current": step === chosen ? "step" : undefined, },
        s("desc", {}, `from ${step.from} to ${step.to}`),
        s("rect", { class: "row", x: 2, y: y, width: width - 4, height: row - 2, rx: 4 }),
        s("text", { x: 10, y: y + 24, class: "soft" }, String(step.number)),
        s("line", { class: "arrow", x1: from, x2: to + (right ? -6 : 6), y1: y + 25, y2: y + 25 }),
        s("path", { class: "head", d: right ? `M${to} ${y + 25}l-8 -4v8z` : `M${to} ${y + 25}l8 -4v8z` }),
        s("text", { class: "label", x: (from + to) / 2, y: y + 18, "text-anchor": "middle" }, `${step.label} → ${answer}`))));
    });
    return svg;
  }

  const wire = (message, isRequest) => {
    const first = isRequest ? `${message.method} ${message.target} HTTP/1.1` : `HTTP/1.1 ${message.status === 0 ? "(nothing was written)" : message.status}`;
    return [first, ...message.headers.map(([name, value]) => `${name}: ${value}`), "", message.body].join("\n");
  };
  function nearMiss(near) {
    if (!near) return null;
    const fix = [near.app && `In the app: ${near.app}`, near.toml && `${near.app ? "Or in" : "In"} mock-idp.toml:\n${near.toml}`].filter(Boolean).join("\n\n");
    return h("div", { class: "near-miss" },
      table(["Parameter", "Sent", "Expected", "What differs"], near.rows.map((row) => h("tr", {}, h("td", {}, row.name), h("td", { class: "value" }, row.sent ?? "(absent)"), h("td", { class: "value" }, row.registered ?? ""),
        h("td", { class: row.differs ? "bad" : "good" }, row.differs ? `✗ ${row.differs}` : "✓ as expected")))),
      fix ? [h("p", {}, "To fix it:"), h("pre", { tabindex: "0" }, fix)] : null);
  }
  function refusal(step) {
    if (step.refused) return h("div", { class: "notice bad" }, h("strong", {}, `Refused: ${step.refused.error}`), h("div", {}, step.refused.text), nearMiss(step.refused.near_miss));
    return step.explained ? h("div", { class: "notice odd" }, h("strong", {}, step.explained.rule.startsWith("path") ? "Not found" : "Nobody was signed in"), nearMiss(step.explained)) : null;
  }
  function wirePanel(flow, step) {
    if (!step) return h("p", {}, "No request yet.");
    return [
      h("h3", {}, `${step.number}. ${step.label}`), h("p", { class: "hint" }, `${step.from} → ${step.to} · ${time(step.at)} · ${took(step.took)}`),
      refusal(step),
      step.notes.filter((note) => note.event !== "refused" && note.event !== "near-miss").map((note) => note.event === "fault" || note.event === "would-refuse"
        ? h("div", { class: "notice odd" }, note.text, note.sent ? h("details", {}, h("summary", {}, "What was sent, and what an honest server would have sent"), h("p", {}, "Sent"), h("pre", { tabindex: "0" }, note.sent), h("p", {}, "Honest"), h("pre", { tabindex: "0" }, note.honest)) : null)
        : h("p", { class: "soft" }, note.text)),
      h("h3", {}, "Request"), h("pre", { tabindex: "0", id: "request" }, wire(step.request, true)),
      h("h3", {}, "Response"), h("pre", { tabindex: "0", id: "response" }, step.response ? wire(step.response, false) : "not answered yet")];
  }
  const state = (finding) => finding ? h("span", { class: { good: "good", bad: "bad" }[finding.state] || "soft" }, `${{ good: "✓", bad: "✗" }[finding.state] || "?"} ${finding.text}`) : null;
  function tokenView(decoded) {
    return [h("h3", {}, { id: "ID token", access: "Access token", refresh: "Refresh token" }[decoded.kind] || "Unknown token"),
      h("p", {}, "Signature: ", state(decoded.signature), h("br"), "Standing: ", state(decoded.standing)),
      h("pre", { tabindex: "0" }, json(decoded.header)),
      decoded.claims.length ? h("div", { class: "table" }, h("table", {},
        h("thead", {}, h("tr", {}, ["Claim", "Value", "The app must check that it", "Here"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, decoded.claims.map((claim) => h("tr", {}, h("td", {}, claim.name), h("td", { class: "value" }, json(claim.value)), h("td", {}, claim.check || "",
          claim.fault ? h("div", { class: "soft" }, "to see whether it does: ", h("a", { href: `#faults/${claim.fault}` }, claim.fault)) : null), h("td", {}, state(claim.finding))))))) : null,
      h("p", { class: "buttons" }, h("button", { type: "button", onclick: () => copy(decoded.token, "Token") }, "Copy token"))];
  }
  const tokensPanel = (flow) => flow.tokens.length ? flow.tokens.map(tokenView) : h("p", { class: "hint" }, "No tokens were issued in this flow.");
  function checksPanel(flow) {
    const mark = { yes: "✓ yes", no: "✗ no", unseen: "? not seen" };
    return [h("p", { class: "hint" }, "What the application was seen to do in this flow. What only it can know is not guessed."),
      h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ["The app", "Seen", "", "Clause"].map((name) => name ? h("th", { scope: "col" }, name) : h("td", {})))),
        h("tbody", {}, flow.checks.map((check) => h("tr", {}, h("td", {}, check.what), h("td", { class: { yes: "good", no: "bad" }[check.seen] || "soft" }, mark[check.seen]), h("td", { class: "value" }, check.detail), h("td", { class: "soft" }, check.clause))))))];
  }
  function cookiesPanel(flow) {
    const rows = [];
    for (const step of flow.requests) {
      for (const [name, value] of step.request.headers) if (name === "cookie") for (const pair of value.split(";")) if (pair.trim()) rows.push([step, "sent", pair.trim()]);
      for (const [name, value] of step.response?.headers || []) if (name.toLowerCase() === "set-cookie") rows.push([step, "set", value]);
    }
    if (!rows.length) return h("p", { class: "hint" }, "No cookie of this server was sent or set in this flow.");
    return h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ["Step", "", "Cookie"].map((name) => name ? h("th", { scope: "col" }, name) : h("td", {})))),
      h("tbody", {}, rows.map(([step, how, text]) => h("tr", {}, h("td", {}, h("a", { href: `#${flow.id}/step-${step.number}` }, `${step.number}. ${step.label}`)), h("td", {}, how), h("td", { class: "value" }, text))))));
  }
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  function curl(step) {
    const url = step.request.target.startsWith("/") ? new URL(`..${step.request.target}`, document.baseURI).href : step.request.target;
    const skipped = ["host", "content-length", "connection", "accept-encoding"];
    const parts = [`curl -i -X ${step.request.method} ${quoted(url)}`];
    for (const [name, value] of step.request.headers) if (!skipped.includes(name)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
    if (step.request.body) parts.push(`--data-raw ${quoted(step.request.body)}`);
    return parts.join(" \\\n  ");
  }
  function copyPanel(flow, step) {
    const form = (name, label) => attempt(async () => copy(json(await get(`flows/${segment(flow.id)}.${name}`)), label));
    return [step ? [h("h3", {}, `Step ${step.number} as curl`), h("pre", { tabindex: "0", id: "curl" }, curl(step))] : null,
      h("p", { class: "buttons" },
        step ? h("button", { type: "button", onclick: () => copy(curl(step), "curl") }, "Copy curl") : null,
        h("button", { type: "button", onclick: form("har", "HAR") }, "Copy HAR"),
        h("button", { type: "button", onclick: form("mmd", "Mermaid") }, "Copy Mermaid"),
        h("button", { type: "button", onclick: () => copy(`${location.href.split("#")[0]}#${flow.id}${step ? `/step-${step.number}` : ""}`, "Link") }, "Copy link"))];
  }

  // ---- the other sections --------------------------------------------------------------------------------------------
  const page = (title, hint, ...children) => main.replaceChildren(h("div", { class: "page" }, h("h2", {}, title), h("p", { class: "hint" }, hint), ...children));
  /** On narrow screens the cells stand below each other, each with its heading. */
  function table(names, rows) {
    for (const row of rows) names.forEach((name, at) => { if (name && row.children[at]) row.children[at].dataset.label = name; });
    return h("div", { class: "table stacks" }, h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => name ? h("th", { scope: "col" }, name) : h("td", {})))), h("tbody", {}, rows)));
  }
  const field = (label, props) => h("label", {}, label, h("input", props));
  const values = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== ""));
  const list = (text) => text === undefined ? undefined : text.split(/[\s,]+/).filter(Boolean);

  async function requestsPage() {
    const draw = async () => {
      const steps = await get(`requests?limit=200${onlyRefused ? "&refused=true" : ""}`);
      if (section !== "requests") return;
      page("Requests", "Everything that was asked of this server, the latest first.",
        h("p", {}, h("button", { type: "button", id: "only-refused", "aria-pressed": String(onlyRefused), onclick: attempt(async () => { onlyRefused = !onlyRefused; await draw(); $("only-refused").focus(); }) }, "Refused only")),
        steps.length ? steps.map((step) => h("details", {}, h("summary", {}, `${time(step.at)} ${step.request.method || ""} ${(step.request.target || "").split("?")[0]} `,
          tag(String(step.response?.status ?? "…"), step.refused ? "bad" : "")),
          step.flow ? h("p", {}, "Flow ", h("a", { href: `#${step.flow}` }, step.flow)) : null, refusal(step), h("pre", { tabindex: "0" }, wire(step.request, true)), h("pre", { tabindex: "0" }, step.response ? wire(step.response, false) : "not answered"))) : h("p", {}, "Nothing yet."));
    };
    await draw();
  }
  async function usersPage() {
    const users = await get("users");
    page("Users", "Any password but “wrong” is right for users without one of their own.",
      table(["Login", "Name", "Groups", "Status", ""], users.map((user) => h("tr", {}, h("td", { class: "value" }, user.login), h("td", {}, `${user.given_name} ${user.family_name}`), h("td", {}, user.groups.join(", ")), h("td", {}, user.status), h("td", {}, h("div", { class: "buttons" },
        h("button", { type: "button", "aria-label": `Sign in next: ${user.login}`, onclick: attempt(async () => { await call("POST", "login", { user: user.login }); tell(`${user.login} is signed in at the next sign-in, without the page`); }) }, "Sign in next"),
        h("button", { type: "button", "aria-label": `Remove ${user.login}`, onclick: attempt(async () => { await call("DELETE", `users/${segment(user.login)}`); await usersPage(); tell(`${user.login} was removed`); }) }, "Remove")))))),
      h("h3", {}, "Add or change"),
      h("form", { class: "row", onsubmit: attempt(async (event) => {
        const { login, groups, ...rest } = values(event.target);
        await call("PUT", `users/${segment(login)}`, { ...rest, groups: list(groups) });
        await usersPage();
        tell(`${login} can sign in`);
      }) }, field("Login", { name: "login", required: true, placeholder: "carol@example.test" }), field("Groups", { name: "groups", placeholder: "admins, staff" }), field("Given name", { name: "given_name" }), field("Family name", { name: "family_name" }), field("Password", { name: "password", autocomplete: "off" }), h("button", { class: "primary" }, "Save")));
  }
  async function clientsPage() {
    const clients = await get("clients");
    page("Clients", "Redirect URIs are compared exactly.",
      table(["Client", "Secret", "Redirect URIs", ""], clients.map((client) => h("tr", {}, h("td", { class: "value" }, client.id), h("td", { class: "value" }, client.secret || "public"), h("td", { class: "value" }, client.redirect_uris.map((uri) => h("div", {}, uri))), h("td", {},
        h("button", { type: "button", "aria-label": `Remove ${client.id}`, onclick: attempt(async () => { await call("DELETE", `clients/${segment(client.id)}`); await clientsPage(); }) }, "Remove"))))),
      h("h3", {}, "Register or change"),
      h("form", { class: "row", onsubmit: attempt(async (event) => {
        const { id, redirect_uri, kind, secret } = values(event.target);
        const known = clients.find((client) => client.id === id);
        const uris = [...new Set([...(known?.redirect_uris || []), ...list(redirect_uri)])];
        await call("PUT", `clients/${segment(id)}`, { redirect_uris: uris, public: kind === "public", secret });
        await clientsPage();
        tell(`${id} is registered`);
      }) }, field("Client id", { name: "id", required: true }), field("Redirect URI to add", { name: "redirect_uri", type: "url", required: true, size: "36", placeholder: "http://localhost:3000/callback" }),
      h("label", {}, "Kind", h("select", { name: "kind" }, h("option", { value: "" }, "web"), h("option", { value: "public" }, "public"))), field("Secret", { name: "secret", autocomplete: "off" }), h("button", { class: "primary" }, "Save")));
  }
  let catalog = null;
  async function faultsPage(wanted) {
    catalog ??= await get("faults/catalog");
    const armed = await get("faults");
    const results = h("tbody", {});
    const search = (text) => {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      const found = catalog.filter((fault) => words.every((word) => `${fault.id} ${fault.description}`.toLowerCase().includes(word)));
      results.replaceChildren(...found.slice(0, 100).map((fault) => h("tr", {}, h("td", { class: "value" }, fault.id), h("td", {}, fault.description), h("td", { class: "soft" }, fault.clause), h("td", {},
        h("button", { type: "button", "aria-label": `Choose ${fault.id}`, onclick: () => { $("fault-id").value = fault.id; $("fault-id").focus(); } }, "Choose")))));
      $("fault-count").textContent = `${found.length} of ${catalog.length}`;
    };
    page("Faults", "An armed fault goes to the next flows that fit, and stays with them. Whoever signs in as FAULT@fault.test gets it without arming.",
      h("h3", {}, "Armed"),
      armed.length ? table(["No.", "Fault", "For", "Given", "Fired", ""], armed.map((one) => h("tr", {}, h("td", {}, `${one.number}`), h("td", { class: "value" }, one.id), h("td", {}, Object.entries(one.when).map(([name, value]) => `${name} ${value}`).join(", ") || "everybody", one.times ? ` · ${many(one.times, "time")}` : ""), h("td", {}, `${one.given}${one.waiting ? "" : " (over)"}`), h("td", { class: one.fired ? "good" : "soft" }, `${one.fired}`), h("td", {},
        h("button", { type: "button", "aria-label": `Disarm ${one.id}`, onclick: attempt(async () => { await call("DELETE", `faults/${one.number}`); await faultsPage(); }) }, "Disarm"))))) : h("p", { class: "soft" }, "Nothing is armed."),
      h("form", { class: "row", onsubmit: attempt(async (event) => {
        const { id, user, client, endpoint, times, ttl } = values(event.target);
        await call("POST", "faults", { id, when: { user, client, endpoint }, times: times === undefined ? undefined : Number(times), ttl });
        await faultsPage();
        tell(`${id} is armed`);
      }) }, field("Fault", { name: "id", id: "fault-id", required: true, size: "30", value: wanted || "" }), field("User", { name: "user", placeholder: "everybody" }), field("Client", { name: "client", placeholder: "every" }),
      h("label", {}, "From", h("select", { name: "endpoint" }, h("option", { value: "" }, "the start"), ["authorize", "token", "userinfo", "introspect", "revoke", "logout"].map((name) => h("option", { value: name }, name)))), field("Times", { name: "times", type: "number", min: "1", placeholder: "no limit" }), field("For", { name: "ttl", placeholder: "10m", size: "6" }), h("button", { class: "primary" }, "Arm")),
      h("h3", {}, "Catalogue"),
      h("form", { class: "row", onsubmit: (event) => event.preventDefault() }, field("Search", { type: "search", id: "fault-search", value: wanted || "", oninput: (event) => search(event.target.value) }), h("span", { id: "fault-count", class: "soft" })),
      h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ["Fault", "What is wrong", "Clause"].map((name) => h("th", { scope: "col" }, name)), h("td", {}))), results)));
    search(wanted || "");
  }
  async function keysPage() {
    const servers = await get("keys");
    page("Keys", "The first key signs. With overlap the old one stays in the key set, as at a planned rotation; without, it is withdrawn at once.",
      servers.map((server) => [h("h3", {}, server.server || "org server"), h("p", { class: "hint mono" }, server.issuer),
        table(["kid", "Algorithm", ""], server.keys.map((key) => h("tr", {}, h("td", { class: "value" }, key.kid), h("td", {}, key.alg || ""), h("td", {}, key.kid === server.kid ? "signs" : "still published")))),
        h("p", { class: "buttons" }, [true, false].map((overlap) => h("button", { type: "button", onclick: attempt(async () => { await call("POST", "keys/rotate", { server: server.server, overlap }); await keysPage(); tell("The key was rotated"); }) }, overlap ? "Rotate with overlap" : "Rotate at once")))]));
  }
  async function clockPage() {
    const clock = await get("clock");
    const shift = (seconds) => attempt(async () => { await call("PUT", "clock", { offset: seconds }); await clockPage(); });
    page("Clock", "Moves this server's time: tokens and sessions expire without waiting. The app's clock stays.",
      h("p", {}, h("strong", {}, clock.now), ` · ${clock.offset === 0 ? "the system's time" : `${clock.offset > 0 ? "+" : ""}${clock.offset} s`}`),
      h("p", { class: "buttons" }, [["−1 h", -3600], ["+5 min", 300], ["+1 h", 3600], ["+1 day", 86400]].map(([label, by]) => h("button", { type: "button", onclick: shift(clock.offset + by) }, label)), h("button", { type: "button", onclick: shift(0) }, "System time")));
  }

  // ---- routes --------------------------------------------------------------------------------------------------------
  let section = "";
  const PAGES = { requests: requestsPage, users: usersPage, clients: clientsPage, faults: faultsPage, keys: keysPage, clock: clockPage };
  async function route() {
    const [name, rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (name === "main") return main.focus();
    const isFlow = /^f-/.test(name);
    section = PAGES[name] ? name : "flows";
    for (const link of $("sections").querySelectorAll("a")) {
      if (link.hash === `#${section}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    try {
      if (section !== "flows") await PAGES[section](rest);
      else { if (!flows.size) await loadFlows(); flowsPage(isFlow ? name : null, rest ? Number(rest.replace("step-", "")) : undefined); }
    } catch (error) { tell(error.message, true); }
  }
  addEventListener("hashchange", route);

  // ---- news ----------------------------------------------------------------------------------------------------------
  // The stream only says that something happened: what is shown is asked for once in a while, however much happens.
  let dirty = false, busy = false, listening = 0;
  async function refresh() {
    if (busy || !dirty) return;
    busy = true;
    dirty = false;
    const began = performance.now();
    let changed = 0;
    try {
      const news = await loadFlows();
      changed = news.length;
      if (section === "flows") {
        drawList();
        if (!shown && $("env") && flows.size) drawStart();
        if (shown && news.some((flow) => flow.id === shown)) await drawFlow(shown, stepInHash());
      }
    } catch (error) { tell(error.message, true); }
    setTimeout(() => { busy = false; refresh(); }, Math.max(changed > 20 ? 1000 : 250, 4 * (performance.now() - began)));
  }
  const stepInHash = () => { const step = location.hash.match(/\/step-(\d+)$/); return step ? Number(step[1]) : undefined; };
  function live(isOn, text) { $("live").className = `live ${isOn ? "on" : "off"}`; $("live").textContent = text; }
  async function listen() {
    const mine = ++listening;
    while (mine === listening) {
      try {
        const headers = token ? { authorization: `Bearer ${token}` } : {};
        const answer = await fetch("events?brief=true", { headers });
        if (answer.status === 401) return askToken();
        if (!answer.ok) throw new Refusal(`${answer.status}`);
        live(true, "live");
        dirty = true;
        refresh();
        const reader = answer.body.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          // A comment that keeps the connection alive begins with a colon.
          if (value[0] !== 58) { dirty = true; refresh(); }
        }
      } catch { /* said below */ }
      live(false, "not connected");
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }

  // ---- top bar -------------------------------------------------------------------------------------------------------
  $("copy-env").addEventListener("click", attempt(async () => {
    const env = await get("env");
    await copy(Object.entries(env).map(([name, value]) => `${name}=${value}`).join("\n"), "Variables");
  }));
  $("reset").addEventListener("click", () => $("reset-dialog").showModal());
  $("reset-dialog").addEventListener("close", attempt(async () => {
    if ($("reset-dialog").returnValue !== "reset") return;
    $("reset-dialog").returnValue = "";
    const keep = ["users", "clients"].filter((what) => $(`keep-${what}`).checked).join(",");
    await call("POST", `reset${keep ? `?keep=${keep}` : ""}`);
    flows.clear();
    newest = 0;
    location.hash = "#flows";
    await route();
    tell("Reset");
  }));
  fetch("health").then((answer) => answer.json()).then((health) => { $("version").textContent = health.version; }).catch(() => {});
  route();
  listen();
})();
