(function () {
  "use strict";
  var all = function (selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); };
  var element = function (name, text, className) {
    var made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // Requests and responses are made from the HAR when somebody looks at them.
  function quoted(text) { return "'" + String(text).replace(/'/g, "'\\''") + "'"; }
  function curl(request) {
    var parts = ["curl -i -X " + request.method + " " + quoted(request.url)];
    request.headers.forEach(function (header) {
      if (["host", "content-length", "connection"].indexOf(header.name) < 0) parts.push("-H " + quoted(header.name + ": " + header.value));
    });
    if (request.postData) parts.push("--data-raw " + quoted(request.postData.text));
    return parts.join(" \\\n  ");
  }
  function block(title, text) {
    var made = document.createDocumentFragment();
    made.appendChild(element("h4", title));
    var pre = element("pre", text);
    pre.tabIndex = 0;
    made.appendChild(pre);
    return made;
  }
  function message(first, headers, body) {
    return [first].concat(headers.map(function (header) { return header.name + ": " + header.value; })).join("\n") + (body ? "\n\n" + body : "");
  }
  function unfold(steps) {
    var list = steps.querySelector(".list");
    if (!list || list.childNodes.length) return;
    var entries = JSON.parse(steps.querySelector(".har").textContent).log.entries;
    entries.forEach(function (entry, index) {
      var made = element("details", undefined, "exchange" + (entry._falsified.length ? " falsified" : ""));
      made.id = steps.dataset.anchor + "-" + index;
      var answer = entry.response.status || entry.response.statusText || "no answer";
      var title = (index + 1) + ". " + entry._from + " to " + entry._to + ": " + entry.request.method + " " + entry.request.url.split("?")[0] + " → " + answer;
      made.appendChild(element("summary", (entry._falsified.length ? "✗ " : "") + title));
      entry._falsified.forEach(function (line) { made.appendChild(element("p", "Falsified: " + line)); });
      made.appendChild(element("p", entry.comment + ", " + entry.startedDateTime + ", " + entry.time + " ms", "muted"));
      made.appendChild(block("Request", message(entry.request.method + " " + entry.request.url, entry.request.headers, entry.request.postData && entry.request.postData.text)));
      made.appendChild(block("Response", message(String(answer), entry.response.headers, entry.response.content.text)));
      made.appendChild(block("As curl", curl(entry.request)));
      list.appendChild(made);
    });
  }
  all("details.steps").forEach(function (steps) {
    steps.addEventListener("toggle", function () { if (steps.open) unfold(steps); });
  });

  // A link into something folded opens it.
  function reveal() {
    var id = decodeURIComponent(location.hash.slice(1));
    if (!id) return;
    var target = document.getElementById(id);
    if (!target) {
      all("details.steps").forEach(function (steps) { if (id.indexOf(steps.dataset.anchor + "-") === 0) unfold(steps); });
      target = document.getElementById(id);
    }
    for (var node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (target) { target.scrollIntoView(); if (target.tabIndex >= -1 && target.focus) target.focus({ preventScroll: true }); }
  }
  addEventListener("hashchange", reveal);
  reveal();

  // Filter.
  var text = document.getElementById("text");
  var boxes = all("#filter input[type=checkbox]");
  var hits = document.getElementById("hits");
  function filter() {
    var wanted = text.value.trim().toLowerCase();
    var words = boxes.filter(function (box) { return box.checked; }).map(function (box) { return box.value; });
    var fits = function (word, own) { return words.indexOf(word) >= 0 && own.toLowerCase().indexOf(wanted) >= 0; };
    var shown = 0;
    all("#cases tbody tr").forEach(function (row) { row.hidden = !fits(row.dataset.word, row.dataset.text); if (!row.hidden) shown += 1; });
    all("article.cause").forEach(function (cause) {
      var word = cause.dataset.word;
      cause.hidden = !fits(word, cause.textContent);
      var link = document.querySelector('.jump a[href="#' + cause.id + '"]');
      if (link) link.parentElement.hidden = cause.hidden;
    });
    hits.textContent = wanted || words.length < boxes.length ? shown + (shown === 1 ? " case shown" : " cases shown") : "";
  }
  document.getElementById("filter").addEventListener("submit", function (event) { event.preventDefault(); });
  text.addEventListener("input", filter);
  boxes.forEach(function (box) { box.addEventListener("change", filter); });

  // Keys.
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    var causes = all("article.cause").filter(function (cause) { return !cause.hidden; });
    var current = -1;
    causes.forEach(function (cause, index) { if (cause.contains(document.activeElement) || "#" + cause.id === location.hash) current = index; });
    if (event.key === "/") { event.preventDefault(); text.focus(); }
    else if ((event.key === "j" || event.key === "k") && causes.length) {
      var next = Math.max(0, Math.min(causes.length - 1, current + (event.key === "j" ? 1 : -1)));
      location.hash = causes[next].id;
    } else if (event.key === "e") {
      var folded = all("main details");
      var open = folded.some(function (own) { return !own.open; });
      folded.forEach(function (own) { own.open = open; });
    }
  });

  // Copy and download.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("copy") && navigator.clipboard) {
      navigator.clipboard.writeText(button.dataset.text).then(function () { button.textContent = "Copied"; });
    } else if (button.classList.contains("download")) {
      var har = button.closest("details").querySelector(".har").textContent;
      var link = element("a");
      link.href = URL.createObjectURL(new Blob([har], { type: "application/json" }));
      link.download = button.dataset.name;
      link.click();
    }
  });

  // On paper the case that shows a problem best stands with its diagram, and with tokens or cookies where it is about them; the
  // others of the same cause with what was expected, delivered and observed. What was folded before is folded afterwards.
  var unfolded = [];
  addEventListener("beforeprint", function () {
    unfolded = all("details.case").concat(
      all("section.lead").map(function (lead) {
        var about = /^(session|logout|callback|concurrency)\//.test(lead.dataset.id) ? "details.cookies" : "details.tokens";
        return lead.querySelector(about);
      })
    ).filter(function (own) { return own && !own.open; });
    unfolded.forEach(function (own) { own.open = true; });
  });
  addEventListener("afterprint", function () { unfolded.forEach(function (own) { own.open = false; }); });
})();
