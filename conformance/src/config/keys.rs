//! Every key of `conformance.toml`: what it takes, what it means, what happens without it. Checking a file, the reference
//! page and the JSON schema are made from this one list; a test holds it against the types that are parsed.

use crate::placeholder;

/// Keys that earlier versions had, with what became of them.
pub const GONE: &[(&str, &str)] = &[(
    "callback_method",
    "the response mode is learnt from the app's own request now; delete this line",
)];

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The table that it stands in, for instance `target.start`; empty for the file itself. `step`, `pattern` and `skip`
    /// are tables that stand in several places.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it has to be given.
    pub required: bool,
    /// What holds where it is absent; empty where that is nothing.
    pub default: &'static str,
    /// A value, as TOML.
    pub example: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What one sees without it.
    pub without: &'static str,
    /// Which placeholders are filled in.
    pub fills: Fills,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number in this range.
    Whole(i64, i64),
    /// A number of seconds, more than 0 and at most this.
    Seconds(i64),
    /// A list of texts.
    Texts,
    /// A status code, or a list of them.
    Statuses,
    /// A port number, or `"auto"`.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A table of texts under any names.
    TextMap,
    /// A table of any values under any names.
    AnyMap,
    /// A list of tables that are taken as they are.
    AnyTables,
    /// A table with the keys of this list.
    Table(&'static str),
    /// A table with exactly one of the keys of this list.
    OneOf(&'static str),
    /// A list of tables with exactly one of the keys of this list each.
    ListOfOne(&'static str),
    /// A list of tables with the keys of this list.
    List(&'static str),
}

/// Which placeholders are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    /// None: one that is known elsewhere is refused.
    None,
    /// `{port}`.
    Port,
    /// `{idp.port}`.
    IdpPort,
    /// What a started app needs to know.
    App,
    /// What identifies the person who signs in.
    Person,
    /// `{unique}`, which is different for each person.
    Unique,
    /// `{unique}`, and what identifies the person.
    UniquePerson,
}

impl Fills {
    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Fills::None => Vec::new(),
            Fills::Port => vec!["port"],
            Fills::IdpPort => vec!["idp.port"],
            Fills::App => placeholder::KNOWN.to_vec(),
            Fills::Person => placeholder::OF_PERSON.to_vec(),
            Fills::Unique => vec!["unique"],
            Fills::UniquePerson => [&["unique"], placeholder::OF_PERSON].concat(),
        }
    }
}

impl Kind {
    /// In words, for messages and the reference.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Kind::Text => "a text in quotes".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Seconds(most) => format!("a number of seconds, more than 0 and at most {most}"),
            Kind::Texts => "a list of texts".to_owned(),
            Kind::Statuses => "a status code such as 200, or a list such as [302, 401]".to_owned(),
            Kind::Port => "a port number, or \"auto\" for a free one".to_owned(),
            Kind::Choice(words) => format!("one of \"{}\"", words.join("\", \"")),
            Kind::TextMap => "a table of texts".to_owned(),
            Kind::AnyMap => "a table".to_owned(),
            Kind::AnyTables => "a list of tables".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
            Kind::OneOf(list) => format!("a table with one of {}", named(list)),
            Kind::ListOfOne(list) => format!("a list of steps, each with one of {}", named(list)),
            Kind::List(list) => format!("a list of tables with {}", named(list)),
        }
    }
}

fn named(list: &str) -> String {
    of(list).map(|key| key.name).collect::<Vec<_>>().join(", ")
}

/// The keys of a table, in the order of the reference.
pub fn of(table: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.table == table)
}

/// The key of this name in this table.
#[must_use]
pub fn find(table: &str, name: &str) -> Option<&'static Key> {
    of(table).find(|key| key.name == name)
}

/// What a table of the reference is about, in the order of the reference.
pub const TABLES: &[(&str, &str, &str)] = &[
    (
        "",
        "The file",
        "The tables of a file. Only `[target]` and `[target.session]` are required.",
    ),
    ("target", "[target]", "The app: where it is, how one signs in and out."),
    ("way in", "sign_in", "How a sign-in starts: exactly one of these."),
    ("way out", "sign_out", "How a sign-out happens: exactly one of these."),
    (
        "step",
        "Steps",
        "What a person does on a page; a step has exactly one of these. Steps stand in `sign_in = { steps = [...] }`, in \
         `sign_out = { steps = [...] }` and in `after_callback`.",
    ),
    (
        "target.session",
        "[target.session]",
        "Who is signed in? Every verdict stands on the answer to this question.",
    ),
    (
        "pattern",
        "signed_in and signed_out",
        "What an answer of the probe is like. Everything that is given must fit.",
    ),
    (
        "target.people",
        "[target.people]",
        "The people who sign in. They are invented for each case, so that a page that shows one of them is proof.",
    ),
    (
        "role",
        "[[target.roles]]",
        "Pages that only the members of a group may see, one table for each: `conformance run 'roles/*'` judges who gets them. A \
         member is somebody whose token names the group; everybody else is as `[target.people]` says, without these groups.",
    ),
    (
        "target.provision",
        "[target.provision]",
        "Makes an account for each person before the first sign-in, and one more where a case gives a person another address, for apps \
         that make none by themselves. Give `command` or `post`.",
    ),
    (
        "target.declares",
        "[target.declares]",
        "What cannot be seen from outside.",
    ),
    (
        "target.start",
        "[target.start]",
        "How the harness starts the app. Without it the app runs already, and the cases that need a fresh app are skipped.",
    ),
    (
        "idp",
        "[idp]",
        "The built-in authorization server, and how the app is registered there.",
    ),
    ("run", "[run]", "How to run. Flags of the command line come first."),
    ("skip", "skip", "A case that is left out."),
];

const fn key(table: &'static str, name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Key {
    Key {
        table,
        name,
        kind,
        required: false,
        default: "",
        example,
        about,
        without: "",
        fills: Fills::None,
    }
}

impl Key {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn without(self, without: &'static str) -> Self {
        Self { without, ..self }
    }

    const fn fills(self, fills: Fills) -> Self {
        Self { fills, ..self }
    }
}

/// All keys, table by table.
pub const KEYS: &[Key] = &[
    key("", "target", Kind::Table("target"), "url = \"http://localhost:3000\"", "The app.").required(),
    key("", "idp", Kind::Table("idp"), "client_id = \"web\"", "The authorization server."),
    key("", "run", Kind::Table("run"), "profile = \"okta\"", "How to run."),
    key(
        "",
        "locations",
        Kind::TextMap,
        "{ callback = \"src/auth/callback.ts:41\" }",
        "Where findings land in annotations of a CI: `callback`, `sign_in`, `sign_out` and `default`, each with `file:line`.",
    )
    .without("Findings land on the first line of this file."),
    // [target]
    key(
        "target",
        "url",
        Kind::Text,
        "\"http://localhost:{port}\"",
        "The app's origin, without a path. `{port}` is the port that `[target.start]` gave it.",
    )
    .required()
    .fills(Fills::Port),
    key(
        "target",
        "origins",
        Kind::Texts,
        "[\"http://localhost:3001\"]",
        "Further origins of the same app, for instance an API on a port of its own. The callback's origin belongs to the app by \
         itself.",
    )
    .without("A redirect to another origin is noted and not followed.")
    .fills(Fills::Port),
    key(
        "target",
        "headers",
        Kind::TextMap,
        "{ authorization = \"Basic c3RhZ2luZzpzZWNyZXQ=\" }",
        "Header fields of every request to the app, for instance the basic authentication of a staging site. What only the probe \
         needs stands in `[target.session]`: a field that protects against request forgery would otherwise protect the attacks \
         of the harness.",
    ),
    key(
        "target",
        "sign_in",
        Kind::OneOf("way in"),
        "{ get = \"/login\" }",
        "How a sign-in starts.",
    )
    .required(),
    key(
        "target",
        "after_callback",
        Kind::ListOfOne("step"),
        "[{ press = \"I agree\" }]",
        "What a person does on the pages that follow the callback, such as terms. A step whose button or field is not on the page \
         is left out.",
    ),
    key(
        "target",
        "sign_out",
        Kind::OneOf("way out"),
        "{ post = \"/logout\" }",
        "How a sign-out happens.",
    )
    .without("The sign-out cases are skipped: the configuration names no sign_out."),
    key(
        "target",
        "callback",
        Kind::Text,
        "\"/callback\"",
        "The redirection endpoint, as a path or as the exact redirect URI. It is registered at the authorization server.",
    )
    .required()
    .fills(Fills::Port),
    key(
        "target",
        "post_logout",
        Kind::Texts,
        "[\"http://localhost:{port}/\"]",
        "Registered post-logout redirect URIs, absolute.",
    )
    .without("A sign-out that sends `post_logout_redirect_uri` is refused by the authorization server.")
    .fills(Fills::Port),
    key(
        "target",
        "backchannel_logout",
        Kind::Text,
        "\"/backchannel-logout\"",
        "Registered back-channel logout URI, as a path or a URL.",
    )
    .without("The back-channel cases are skipped.")
    .fills(Fills::Port),
    key(
        "target",
        "frontchannel_logout",
        Kind::Text,
        "\"/frontchannel-logout\"",
        "Registered front-channel logout URI, as a path or a URL.",
    )
    .without("The front-channel cases are skipped.")
    .fills(Fills::Port),
    key(
        "target",
        "initiate_login",
        Kind::Text,
        "\"/login\"",
        "Where third parties start a sign-in (`initiate_login_uri`), as a path or a URL.",
    )
    .without("The cases about sign-ins that others start are skipped.")
    .fills(Fills::Port),
    key(
        "target",
        "protected",
        Kind::Texts,
        "[\"/orders\", \"/api/me\"]",
        "Further paths that only signed-in people see, for the cases of the session group.",
    )
    .without("Only the probe is asked."),
    key(
        "target",
        "javascript",
        Kind::Flag,
        "true",
        "Scripts make the pages, so that only a browser can sign in: `conformance run --driver webdriver`.",
    )
    .default("false"),
    key(
        "target",
        "framework",
        Kind::Text,
        "\"express\"",
        "For the fix snippets of `explain`; `auto` guesses from headers and cookies.",
    )
    .default("\"auto\""),
    key("target", "session", Kind::Table("target.session"), "probe = \"/me\"", "Who is signed in?").required(),
    key(
        "target",
        "people",
        Kind::Table("target.people"),
        "groups = [\"admins\"]",
        "The people who sign in.",
    ),
    key(
        "target",
        "roles",
        Kind::List("role"),
        "[{ group = \"admins\", page = \"/admin\", shows = { contains = \"All accounts\" } }]",
        "Pages that only the members of a group may see.",
    )
    .without("The cases of the group `roles` are skipped."),
    key(
        "target",
        "provision",
        Kind::Table("target.provision"),
        "command = \"./add-user {user.email}\"",
        "Makes accounts.",
    )
    .without("An app that must know people beforehand refuses everybody: the control sign-in fails."),
    key(
        "target",
        "declares",
        Kind::Table("target.declares"),
        "scopes = [\"openid\"]",
        "What cannot be seen from outside.",
    ),
    key(
        "target",
        "start",
        Kind::Table("target.start"),
        "command = \"npm start\"",
        "How the app is started.",
    )
    .without("Start the app yourself, with the variables of `conformance env`."),
    // sign_in
    key("way in", "get", Kind::Text, "\"/login\"", "GET this path."),
    key(
        "way in",
        "protected",
        Kind::Text,
        "\"/me\"",
        "Open this protected page: the app starts the sign-in.",
    ),
    key(
        "way in",
        "form",
        Kind::Text,
        "\"/login\"",
        "Open this page and send its sign-in form, hidden fields kept.",
    ),
    key(
        "way in",
        "click",
        Kind::Text,
        "\"Sign in\"",
        "Click what says this on the start page.",
    ),
    key(
        "way in",
        "steps",
        Kind::ListOfOne("step"),
        "[{ open = \"/login\" }, { press = \"Sign in with Okta\" }]",
        "Do these one after the other, until the app leads to the authorization server: for a choice of providers, or the e-mail \
         address first.",
    ),
    // sign_out
    key("way out", "get", Kind::Text, "\"/logout\"", "GET this path."),
    key("way out", "post", Kind::Text, "\"/logout\"", "POST to this path, without fields."),
    key(
        "way out",
        "form",
        Kind::Text,
        "\"/me\"",
        "Open this page and send its sign-out form, hidden fields kept.",
    ),
    key(
        "way out",
        "click",
        Kind::Text,
        "\"Sign out\"",
        "Click what says this on the page of the probe.",
    ),
    key(
        "way out",
        "steps",
        Kind::ListOfOne("step"),
        "[{ open = \"/account\" }, { press = \"Sign out\" }]",
        "Do these one after the other.",
    ),
    // steps
    key("step", "open", Kind::Text, "\"/login\"", "Open this path of the app."),
    key(
        "step",
        "fill",
        Kind::TextMap,
        "{ email = \"{user.email}\" }",
        "Type into fields, known by name, id, label or placeholder. The next `press` or `submit` sends them.",
    )
    .fills(Fills::Person),
    key(
        "step",
        "press",
        Kind::Text,
        "\"Continue\"",
        "Press the link or button that says this, or else the first that holds it.",
    ),
    key(
        "step",
        "submit",
        Kind::Text,
        "\"/login/okta\"",
        "Send the form whose action is this path, or whose id this is.",
    ),
    // [target.session]
    key(
        "target.session",
        "probe",
        Kind::Text,
        "\"/me\"",
        "The path of a page that only signed-in people see, and that shows who is signed in.",
    )
    .required(),
    key(
        "target.session",
        "signed_in",
        Kind::Table("pattern"),
        "{ status = 200, contains = \"{user.email}\" }",
        "What it is like for a signed-in person.",
    )
    .required(),
    key(
        "target.session",
        "signed_out",
        Kind::Table("pattern"),
        "{ status = [302, 401] }",
        "What it is like for anybody else.",
    )
    .required(),
    key(
        "target.session",
        "headers",
        Kind::TextMap,
        "{ x-csrf = \"1\" }",
        "Header fields of the probe alone, for instance one that an API wants against request forgery.",
    ),
    // pattern
    key("pattern", "status", Kind::Statuses, "200", "One status, or several.").default("any"),
    key(
        "pattern",
        "contains",
        Kind::Text,
        "\"{user.email}\"",
        "Text of the page.",
    )
    .fills(Fills::Person),
    key(
        "pattern",
        "matches",
        Kind::Text,
        "\"Hi,? {user.given_name}\"",
        "A regular expression that finds something in the page. What is filled in is taken literally.",
    )
    .fills(Fills::Person),
    key(
        "pattern",
        "json",
        Kind::Text,
        "\"/user/email\"",
        "A JSON pointer (RFC 6901): `contains` and `matches` look at this value only. It has to be there and not null.",
    ),
    key(
        "pattern",
        "ignore_case",
        Kind::Flag,
        "true",
        "Upper and lower case are the same, for pages that show addresses in capitals.",
    )
    .default("false"),
    // [target.people]
    key(
        "target.people",
        "email",
        Kind::Text,
        "\"ada@{unique}.example.com\"",
        "Their addresses. Where a page masks the part before the `@`, let `{unique}` stand behind it.",
    )
    .default("\"ada.{unique}@example.com\", or in the declared mail_domain")
    .fills(Fills::Unique),
    key(
        "target.people",
        "login",
        Kind::Text,
        "\"ada-{unique}\"",
        "Their logins at the authorization server (`preferred_username`).",
    )
    .default("the e-mail address")
    .fills(Fills::Unique),
    key(
        "target.people",
        "given_name",
        Kind::Text,
        "\"Ada{unique}\"",
        "Their given names, with which both their full names begin.",
    )
    .default("invented")
    .fills(Fills::Unique),
    key(
        "target.people",
        "groups",
        Kind::Texts,
        "[\"Everyone\", \"admins\"]",
        "The `groups` claim of each, in the ID token and in userinfo.",
    )
    .without("Tokens have no `groups` claim, as at Okta without a claim for them: an app that wants a group refuses everybody."),
    key(
        "target.people",
        "claims",
        Kind::AnyMap,
        "{ employee_id = \"e-{unique}\", email_verified = true }",
        "Further claims of each, in the ID token and in userinfo.",
    )
    .fills(Fills::UniquePerson),
    // [[target.roles]]
    key(
        "role",
        "group",
        Kind::Text,
        "\"admins\"",
        "The group, exactly as the claim names it.",
    )
    .required(),
    key(
        "role",
        "page",
        Kind::Text,
        "\"/admin\"",
        "The path of a page that its members may see and nobody else. A member has to get it without a redirect.",
    )
    .required()
    .fills(Fills::Person),
    key(
        "role",
        "shows",
        Kind::Table("pattern"),
        "{ contains = \"All accounts\" }",
        "What members see there and nobody else does, as in `signed_in`; the visitor is filled in.",
    )
    .default("any answer with 2xx")
    .without("Whoever gets 2xx and not the words of a member's page is judged inconclusive."),
    key(
        "role",
        "claim",
        Kind::Text,
        "\"roles\"",
        "The claim with the list of groups, in the ID token and in userinfo.",
    )
    .default("\"groups\""),
    // [target.provision]
    key(
        "target.provision",
        "command",
        Kind::Text,
        "\"./manage.py adduser {user.email}\"",
        "Run by `sh -c` in the file's folder, with the environment of `[target.start]`. It has to end with 0.",
    )
    .fills(Fills::Person),
    key(
        "target.provision",
        "post",
        Kind::Text,
        "\"/test/users\"",
        "Posted to: a path of the app, or an absolute URL. It has to answer with 2xx.",
    ),
    key(
        "target.provision",
        "body",
        Kind::Text,
        "'{\"email\":\"{user.email}\"}'",
        "What is posted; JSON if it begins with a brace or bracket, else a form.",
    )
    .fills(Fills::Person),
    key(
        "target.provision",
        "headers",
        Kind::TextMap,
        "{ authorization = \"Bearer test-only\" }",
        "Header fields of that request.",
    )
    .fills(Fills::Person),
    // [target.declares]
    key(
        "target.declares",
        "validates_access_token",
        Kind::Flag,
        "true",
        "The app validates the access token, as Okta's redirect guide tells it to.",
    )
    .default("false"),
    key("target.declares", "public_client", Kind::Flag, "true", "A public client: no secret.").default("false"),
    key(
        "target.declares",
        "scopes",
        Kind::Texts,
        "[\"openid\", \"email\", \"profile\"]",
        "The scopes that the app asks for. Those that are not built in are made known to the authorization server.",
    )
    .without("Whether the app asks for too much is not judged."),
    key(
        "target.declares",
        "local_sign_out_only",
        Kind::Flag,
        "true",
        "Sign-out ends only the app's session, on purpose.",
    )
    .default("false"),
    key(
        "target.declares",
        "trusted_headers",
        Kind::Texts,
        "[\"x-forwarded-host\"]",
        "Proxy headers that the app is meant to trust.",
    ),
    key(
        "target.declares",
        "login_params",
        Kind::Texts,
        "[\"login_hint\"]",
        "Parameters that the app passes through to the authorization server on purpose.",
    ),
    key(
        "target.declares",
        "csrf_by_pkce",
        Kind::Flag,
        "true",
        "PKCE and nonce stand in for `state` (RFC 9700 §2.1), on purpose and documented.",
    )
    .default("false"),
    key(
        "target.declares",
        "checks_response_issuer",
        Kind::Flag,
        "true",
        "The app checks `iss` in authorization responses when the issuer advertises it (RFC 9207).",
    )
    .default("false"),
    key(
        "target.declares",
        "session_idle",
        Kind::Whole(1, 86_400),
        "30",
        "Seconds without a request after which a session ends. The case waits for so long.",
    )
    .without("The case is skipped."),
    key(
        "target.declares",
        "session_lifetime",
        Kind::Whole(1, 86_400),
        "60",
        "Seconds after sign-in at which a session ends whatever happens. The case waits for so long.",
    )
    .without("The case is skipped."),
    key(
        "target.declares",
        "mail_domain",
        Kind::Text,
        "\"corp.example\"",
        "The mail domain that the app filters people by.",
    )
    .without("The cases about look-alike domains are skipped."),
    // [target.start]
    key(
        "target.start",
        "build",
        Kind::Text,
        "\"npm ci\"",
        "Runs once before, without the app's environment.",
    ),
    key(
        "target.start",
        "build_timeout",
        Kind::Whole(1, 86_400),
        "900",
        "Time limit of `build` in seconds.",
    )
    .default("900"),
    key(
        "target.start",
        "command",
        Kind::Text,
        "\"npm start\"",
        "The app itself, run by `sh -c` in the file's folder. `exec` before a program lets it get the signal to end.",
    )
    .required()
    .fills(Fills::App),
    key(
        "target.start",
        "port",
        Kind::Port,
        "\"auto\"",
        "The app's port. With a fixed one the copies of the app run one after the other.",
    )
    .default("that of url, else \"auto\""),
    key(
        "target.start",
        "wait_for",
        Kind::Text,
        "\"http://localhost:{port}/healthz\"",
        "Polled until it answers with a status below 500.",
    )
    .default("the app's url")
    .fills(Fills::Port),
    key(
        "target.start",
        "timeout",
        Kind::Whole(1, 86_400),
        "60",
        "How long to wait for that, in seconds. A start during which metadata or keys do not come gets less: three times what a start \
         takes, and `patience`.",
    )
    .default("60"),
    key(
        "target.start",
        "stop_timeout",
        Kind::Whole(0, 3600),
        "30",
        "How long the app may take to end after SIGTERM, in seconds.",
    )
    .default("30"),
    key(
        "target.start",
        "reuse_existing",
        Kind::Flag,
        "true",
        "Use an app that answers at the URL already. It is never restarted, and has to use the issuer at `port` of `[idp]`, as \
         `conformance env` prints it.",
    )
    .default("false"),
    key(
        "target.start",
        "https_issuer",
        Kind::Flag,
        "true",
        "Serve the issuer over TLS, for libraries that insist on https. `{idp.ca}` is a file with the certificates to trust: the \
         system's and that of our issuer. `{idp.root_ca}` has the last alone, for variables that add to the system's \
         (`NODE_EXTRA_CA_CERTS`) and for apps that call no other server: what reads its certificates for each request, as Python's \
         `requests` does, is several times as fast with it.",
    )
    .default("false"),
    key(
        "target.start",
        "env",
        Kind::TextMap,
        "{ PORT = \"{port}\", OKTA_ISSUER = \"{idp.issuer}\" }",
        "The app's environment. `{scratch}` is an empty folder of its own for each copy of the app: copies that name it start at the \
         same time, others one after the other.",
    )
    .without("The app does not learn of our issuer: `setup/issuer-is-ours` fails.")
    .fills(Fills::App),
    // [idp]
    key(
        "idp",
        "builtin",
        Kind::Flag,
        "true",
        "Only the built-in authorization server can misbehave on purpose.",
    )
    .default("true"),
    key(
        "idp",
        "server",
        Kind::Text,
        "\"org\"",
        "Which authorization server the app uses: `default`, another custom one by its id, or `org` for the org's own.",
    )
    .default("\"default\""),
    key(
        "idp",
        "scopes",
        Kind::Texts,
        "[\"groups\"]",
        "Scopes that a custom authorization server knows beside the built-in ones and the declared ones.",
    ),
    key(
        "idp",
        "url",
        Kind::Text,
        "\"http://127.0.0.1:9494\"",
        "Use mock-idp processes that run already and share `store` (`mock-idp --store`), and how browsers and the app reach them: \
         what they were given as `--issuer`. An app that is told `{idp.issuer}` and `{idp.client.id}` at its start gets a \
         server and a client of its own there for each run, so that shards of a run may share them. Their clocks have to agree \
         with this machine's, and apps reach the attacker's origin on this machine.",
    )
    .default("the built-in authorization server, for this run alone"),
    key(
        "idp",
        "store",
        Kind::Text,
        "\"redis://127.0.0.1:6379/0\"",
        "The Redis that the processes at `url` share: the harness begins sign-ins and reads what happened there.",
    )
    .default("none; `url` needs it"),
    key(
        "idp",
        "port",
        Kind::Whole(0, 65_535),
        "9494",
        "Its port when you start the app yourself, or with `reuse_existing`; 0 takes a free one, as `[target.start]` does else.",
    )
    .default("9494"),
    key(
        "idp",
        "backend_url",
        Kind::Text,
        "\"http://host.docker.internal:{idp.port}\"",
        "Where the app reaches the authorization server, if not where browsers do, for instance from a container: the metadata \
         name the token endpoint, userinfo and the keys there, and the server listens on every address. `{idp.backend}` is the \
         issuer at that place, for apps that are told separately where to read the metadata.",
    )
    .default("the issuer, which is on 127.0.0.1")
    .without("An app in a container looks for 127.0.0.1 in its own container.")
    .fills(Fills::IdpPort),
    key("idp", "client_id", Kind::Text, "\"web\"", "Client id.").default("\"conformance-web-app\""),
    key(
        "idp",
        "client_secret",
        Kind::Text,
        "\"a-secret-of-at-least-32-characters-0001\"",
        "Client secret.",
    )
    .default("one of 42 characters"),
    key(
        "idp",
        "client_auth",
        Kind::Choice(&[
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
        ]),
        "\"client_secret_post\"",
        "How the client authenticates at the token endpoint. Basic and post are both taken, as at Okta.",
    )
    .default("\"client_secret_basic\""),
    key(
        "idp",
        "client_jwks",
        Kind::AnyTables,
        "[{ kty = \"RSA\", n = \"…\", e = \"AQAB\" }]",
        "Public keys of a client that authenticates by `private_key_jwt`, as JWKs.",
    ),
    // [run]
    key(
        "run",
        "profile",
        Kind::Choice(&["core", "okta", "asvs"]),
        "\"okta\"",
        "Which rules fail a run: the standards, those and Okta's guides, or those and OWASP ASVS.",
    )
    .default("\"okta\""),
    key(
        "run",
        "jobs",
        Kind::Whole(1, 256),
        "4",
        "Cases in flight at once; lowered when the app does not bear it.",
    )
    .default("4"),
    key("run", "timeout", Kind::Seconds(3600), "10", "Limit of one request in seconds.").default("10"),
    key(
        "run",
        "patience",
        Kind::Whole(10, 3600),
        "65",
        "How long the app may let its user wait, in seconds, when the authorization server answers late or never. Less makes runs \
         against an app without time limits shorter; it must be more than the app's own limit.",
    )
    .default("65"),
    key(
        "run",
        "cool_down",
        Kind::Whole(0, 3600),
        "60",
        "Seconds after a key fetch in which the app's library does not fetch keys again.",
    )
    .default("asked on a fresh app; 60 without [target.start]"),
    key(
        "run",
        "pace",
        Kind::Whole(1, 100_000),
        "30",
        "Sign-ins a minute, for apps that limit them.",
    )
    .without("As fast as the app answers; an app that limits requests refuses some, and the run says so."),
    key(
        "run",
        "skip",
        Kind::List("skip"),
        "[{ case = \"logout/fc-valid\", reason = \"no frames here\" }]",
        "Cases that are left out.",
    ),
    // skip
    key("skip", "case", Kind::Text, "\"callback/iss-*\"", "The case, or a selector.").required(),
    key("skip", "reason", Kind::Text, "\"fixed in the next release\"", "Why.").required(),
    key(
        "skip",
        "until",
        Kind::Text,
        "\"2027-01-31\"",
        "Until when; afterwards it runs again.",
    ),
];
