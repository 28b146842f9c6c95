//! What is asked of an open page, in its own language. Each is the body of a function that gets `arguments`.

/// Address, markup, and whether the page is at rest: see [`Document`](super::session::Document).
pub(super) const DOCUMENT: &str = r#"
    const visible = e => e.getClientRects().length > 0;
    const refresh = document.querySelector('meta[http-equiv="refresh" i]');
    const runs = [...document.scripts].some(s => !s.type || /javascript|module/.test(s.type))
        || !!document.querySelector('body[onload]');
    const root = document.documentElement;
    return {
        url: location.href,
        html: root ? root.outerHTML : '',
        scripted: runs,
        complete: document.readyState === 'complete',
        asks: [...document.querySelectorAll('form[method=post i] input:not([type=hidden])')].some(visible),
        refresh: refresh ? parseFloat(refresh.content) || 0 : null,
    };
"#;

/// A link to `arguments[0]`, clicked.
pub(super) const LINK: &str = "
    const a = document.createElement('a');
    a.href = arguments[0];
    (document.body || document.documentElement).append(a);
    a.click();
";

/// A form with method, action and fields, sent.
pub(super) const FORM: &str = "
    const [method, action, fields] = arguments;
    const form = document.createElement('form');
    form.method = method;
    form.action = action;
    for (const [name, value] of fields) {
        const field = document.createElement('textarea');
        field.name = name;
        field.value = value;
        form.append(field);
    }
    (document.body || document.documentElement).append(form);
    HTMLFormElement.prototype.submit.call(form);
";

/// An element of this kind that loads this address.
pub(super) const LOAD: &str = "
    const element = document.createElement(arguments[0]);
    element.src = arguments[1];
    (document.body || document.documentElement).append(element);
";

/// A new tab.
pub(super) const OPEN: &str = "window.open(arguments[0]); return null;";

/// The visible link or button that says exactly `arguments[0]`.
pub(super) const FIND_TEXT: &str = r#"
    const plain = text => (text || '').replace(/\s+/g, ' ').trim().toLowerCase();
    const wanted = plain(arguments[0]);
    const all = [...document.querySelectorAll(
        'a[href], button, input[type=submit], input[type=button], input[type=image], [role=button], [role=link]')];
    return all.find(e => e.getClientRects().length
        && [e.innerText, e.value, e.alt, e.ariaLabel].some(text => plain(text) === wanted)) || null;
"#;

/// The visible link or button that says `arguments[0]`, else the first that holds it.
pub(super) const FIND_SAYING: &str = r#"
    const plain = text => (text || '').replace(/\s+/g, ' ').trim().toLowerCase();
    const wanted = plain(arguments[0]);
    const all = [...document.querySelectorAll(
        'a[href], button, input[type=submit], input[type=button], input[type=image], [role=button], [role=link]')]
        .filter(e => e.getClientRects().length);
    const says = (e, fits) => [e.innerText, e.value, e.alt, e.ariaLabel].some(text => fits(plain(text)));
    return all.find(e => says(e, text => text === wanted)) || all.find(e => says(e, text => text.includes(wanted))) || null;
"#;

/// The button of the form whose id is, or whose action leads to, `arguments[0]`.
pub(super) const FIND_NAMED_FORM: &str = r#"
    const wanted = arguments[0].replace(/^#/, '');
    const form = [...document.forms].find(f => f.id === wanted)
        || [...document.forms].find(f => new URL(f.getAttribute('action') || '', location.href).pathname === arguments[0]);
    return form ? [...form.elements].find(e =>
        e.tagName === 'BUTTON' ? e.type === 'submit' : ['submit', 'image'].includes(e.type)) || null : null;
"#;

/// The visible field that is called `arguments[0]`: by its name, its id, its label or its placeholder.
pub(super) const FIND_FIELD: &str = r#"
    const plain = text => (text || '').replace(/\s+/g, ' ').trim().replace(/[*:\s]+$/, '').toLowerCase();
    const wanted = plain(arguments[0]);
    const all = [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
        .filter(e => e.getClientRects().length);
    const by = name => all.find(e => name(e).some(text => plain(text) === wanted));
    return by(e => [e.name]) || by(e => [e.id]) || by(e => [...e.labels || []].map(l => l.innerText))
        || by(e => [e.placeholder, e.ariaLabel]) || null;
"#;

/// The button of the form that says one of the words in `arguments[0]`, or of the only form.
pub(super) const FIND_FORM: &str = r#"
    const words = arguments[0];
    const plain = text => (text || '').toLowerCase().replace(/[-_\s]/g, '');
    const buttons = form => [...form.elements].filter(e =>
        e.tagName === 'BUTTON' ? e.type === 'submit' : ['submit', 'image'].includes(e.type));
    const says = form => {
        const texts = [form.id, form.getAttribute('action')];
        for (const b of buttons(form)) texts.push(b.innerText, b.value, b.id, b.name);
        return words.some(word => texts.some(text => plain(text).includes(word)));
    };
    const forms = [...document.forms];
    const form = forms.find(says) || (forms.length === 1 ? forms[0] : null);
    return form ? buttons(form)[0] || null : null;
"#;

/// Puts each value of `arguments[0]` (`[names, value]`) into the first field of its names, in the first form that is posted
/// and has one of them, or asks for nothing: as if it were pasted, so that the page sees the events of it. Then presses
/// the form's button. True when that was done; false without such a form. When a field did not take its value, nothing is
/// pressed, and the answer is the fields (null for one that the form does not have), with the button last.
pub(super) const FILL_IN: &str = r#"
    const visible = e => e.getClientRects().length > 0;
    for (const form of document.forms) {
        if (form.method !== 'post') continue;
        const fields = arguments[0].map(([names]) =>
            names.map(name => form.elements.namedItem(name)).find(e => e instanceof Element && visible(e)) || null);
        const asks = [...form.elements].some(e => visible(e)
            && e.matches('input:not([type=hidden]):not([type=submit]):not([type=checkbox]), textarea, select'));
        if (asks && !fields.some(Boolean)) continue;
        const button = [...form.elements].find(e => visible(e)
            && (e.tagName === 'BUTTON' ? e.type === 'submit' : ['submit', 'image'].includes(e.type)));
        if (!button) continue;
        const taken = fields.every((field, i) => {
            if (!field) return true;
            const value = arguments[0][i][1];
            field.focus();
            field.select();
            document.execCommand('insertText', false, value);
            return field.value === value;
        });
        if (!taken) return [...fields, button];
        button.click();
        return true;
    }
    return false;
"#;
