//! Under which names an app reads its issuer, its client and its port: from its sample environments, its README and its
//! sources, else those of Okta's guides. What else its sources read, and nobody has told, is named.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex::Regex;

/// Files that name variables, the surest first.
const SAMPLES: &[&str] = &[
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    ".env.defaults",
    "example.env",
    "README.md",
    "README.rst",
    "README",
    "docker-compose.yml",
    "compose.yaml",
    "application.yml",
    "src/main/resources/application.yml",
    "src/main/resources/application.properties",
];

/// Kinds of source files in which variables are read.
const SOURCES: &[&str] = &[
    "js", "mjs", "cjs", "ts", "py", "go", "rb", "rs", "java", "kt", "cs", "php", "ex", "conf", "sh",
];

/// Ends of the names by which scripts and sources call the bundle of certificates that they trust.
const CERTIFICATES: &[&str] = &["CA_BUNDLE", "CA_CERT", "CA_CERTS", "CA_FILE", "CA_PEM"];

/// How deep and how many: an app's own sources, not its dependencies.
const DEPTH: usize = 4;
const FILES: usize = 400;
const SIZE: u64 = 256 * 1024;

/// A secret for an app to keep its own sessions with: 32 bytes as text, and 16 or 24 to whoever decodes it as hexadecimal or
/// Base64, so that it fits every common cipher.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Variables that systems and frameworks set or do without.
const USUAL: &[&str] = &[
    "APP_ENV",
    "BIND",
    "CI",
    "DEBUG",
    "ENV",
    "FLASK_DEBUG",
    "FLASK_ENV",
    "HOME",
    "HOST",
    "HOSTNAME",
    "LANG",
    "LOG_LEVEL",
    "NODE_ENV",
    "NO_COLOR",
    "PATH",
    "PWD",
    "RACK_ENV",
    "RAILS_ENV",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TMPDIR",
    "TZ",
    "USER",
    "VERSION",
];

/// The variables of an app.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// Variable → value with placeholders.
    pub(super) env: BTreeMap<String, String>,
    /// Variables that its sources read without a default and that nobody has told: each with the file.
    pub(super) unknown: BTreeMap<String, String>,
    /// Further ones that are read and may be absent.
    pub(super) optional: BTreeMap<String, String>,
}

impl Environment {
    /// The line that fixes a start that failed with these words, where a variable may be the cause.
    pub(super) fn advice(&self, said: &str) -> Option<String> {
        let all = self.unknown.iter().chain(&self.optional);
        let named: Vec<_> = all.filter(|(name, _)| said.contains(name.as_str())).collect();
        let suspects = match named.is_empty() {
            true => self.unknown.iter().collect(),
            false => named,
        };
        let (first, _) = suspects.first()?;
        let told: Vec<String> = suspects.iter().map(|(name, file)| format!("{name} ({file})")).collect();
        Some(format!(
            "the app reads {}, of which init knows no value: set it for init, and fill in the same under [target.start.env]: \
             `{first}=VALUE conformance init …`",
            told.join(", ")
        ))
    }
}

/// Variables that the app's own files name.
#[derive(Debug)]
pub(super) struct Named(BTreeMap<String, Mention>);

impl Named {
    /// Reads the app's files.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self(mentioned(folder))
    }

    /// Whether the app asks for certificates to trust: it means to speak TLS with its issuer.
    pub(super) fn wants_certificates(&self) -> bool {
        let asks = |(name, mention): (&String, &Mention)| mention.read_by.is_some() && names_certificates(name);
        self.0.iter().any(asks)
    }

    /// The app's environment. `https`: its issuer is served over TLS. `own` is the environment of this process.
    pub(super) fn environment(&self, https: bool, own: impl Fn(&str) -> Option<String>) -> Environment {
        let mut env = BTreeMap::new();
        let (mut unknown, mut optional) = (BTreeMap::new(), BTreeMap::new());
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for (name, mention) in &self.0 {
            if mention.read_by.is_some() && names_certificates(name) {
                if https {
                    env.insert(name.clone(), "{idp.ca}".to_owned());
                }
            } else if let Some((what, value)) = meaning(name) {
                env.insert(name.clone(), value.to_owned());
                told.insert(what);
            } else if let Some(file) = &mention.read_by
                && !USUAL.contains(&name.as_str())
            {
                // An app that was begun by somebody who gave it this has to be begun so again. A secret stays out of the file.
                match own(name).or_else(|| mention.sample.clone()) {
                    Some(value) if !is_secret(name) => _ = env.insert(name.clone(), value),
                    Some(_) => {}
                    None if mention.is_needed => _ = unknown.insert(name.clone(), file.clone()),
                    None => _ = optional.insert(name.clone(), file.clone()),
                }
            }
        }
        for (what, name, value) in [
            ("issuer", "OKTA_ISSUER", "{idp.issuer}"),
            ("client id", "OKTA_CLIENT_ID", "{idp.client.id}"),
            ("client secret", "OKTA_CLIENT_SECRET", "{idp.client.secret}"),
            ("port", "PORT", "{port}"),
        ] {
            if !told.contains(what) {
                env.insert(name.to_owned(), value.to_owned());
            }
        }
        if https {
            for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
                env.insert(name.to_owned(), "{idp.ca}".to_owned());
            }
            // Node adds these to the roots that it has.
            env.insert("NODE_EXTRA_CA_CERTS".to_owned(), "{idp.root_ca}".to_owned());
        }
        Environment { env, unknown, optional }
    }
}

fn names_certificates(name: &str) -> bool {
    CERTIFICATES.iter().any(|end| name.ends_with(end))
}

/// Whether a variable of this name holds something that opens other things than this app.
fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "KEY", "CREDENTIAL"]
        .iter()
        .any(|word| upper.contains(word))
}

/// What a variable of this name is for, and what it is given.
fn meaning(name: &str) -> Option<(&'static str, &'static str)> {
    let upper = name.to_ascii_uppercase();
    let ends = |words: &[&str]| words.iter().any(|word| upper.ends_with(word));
    let about_sign_in = ["OKTA", "OIDC", "OAUTH", "AUTH", "SSO", "OPENID", "ISSUER", "CLIENT"]
        .iter()
        .any(|word| upper.contains(word));
    Some(
        if ends(&["ISSUER", "ISSUER_URI", "ISSUER_URL", "ISSUER_BASE_URL", "AUTHORITY"]) {
            ("issuer", "{idp.issuer}")
        } else if ends(&["CLIENT_ID", "CLIENTID", "CLIENT-ID"]) {
            ("client id", "{idp.client.id}")
        } else if ends(&["CLIENT_SECRET", "CLIENTSECRET", "CLIENT-SECRET"]) {
            ("client secret", "{idp.client.secret}")
        } else if upper == "OKTA_DOMAIN" {
            ("org", "{idp.host}")
        } else if ends(&["ORG_URL", "ORGURL"]) || upper == "OKTA_URL" {
            ("org", "{idp.org}")
        } else if upper == "PORT" || ends(&["APP_PORT", "SERVER_PORT", "HTTP_PORT", "LISTEN_PORT"]) {
            ("port", "{port}")
        } else if ends(&[
            "BASE_URL",
            "APP_URL",
            "PUBLIC_URL",
            "SITE_URL",
            "ROOT_URL",
            "NEXTAUTH_URL",
            "AUTH_URL",
        ]) {
            ("origin", "http://localhost:{port}")
        } else if ends(&["SECRET", "SECRET_KEY", "SECRET_KEY_BASE", "APP_KEY"])
            || (["SESSION", "COOKIE", "CSRF", "JWT", "SIGNING", "ENCRYPTION"]
                .iter()
                .any(|word| upper.contains(word))
                && ends(&["KEY", "PASSWORD", "SALT"]))
        {
            ("session secret", SECRET)
        } else if about_sign_in && ends(&["SCOPE", "SCOPES"]) {
            ("scopes", "openid profile email")
        } else {
            return None;
        },
    )
}

/// What is known of a variable that the app's own files name.
#[derive(Debug, Default)]
struct Mention {
    /// The source file that reads it.
    read_by: Option<String>,
    /// Somewhere it is read without a default.
    is_needed: bool,
    /// Its value in a sample environment that nobody has made his own yet.
    sample: Option<String>,
}

/// Variables that the app's own files name.
fn mentioned(folder: &Path) -> BTreeMap<String, Mention> {
    let mut names: BTreeMap<String, Mention> = BTreeMap::new();
    let assigned =
        expression(r"(?m)^[ \t]*(?:export[ \t]+|-[ \t]+|\$[ \t]+)?([A-Z][A-Z0-9_]{2,60})[ \t]*[=:][ \t]*([^\r\n]*)");
    // The second group is empty where no default stands behind the name.
    let read = expression(
        r#"(?:process\.env\.|import\.meta\.env\.|process\.env\[['"]|os\.environ(?:\.get)?[\[(][ \t]*['"]|getenv\(['"]|Getenv\(['"]|LookupEnv\(['"]|ENV(?:\.fetch\()?[\[]?['"]|env::var(?:_os)?\(['"]|env\(['"]|\$\{)([A-Z][A-Z0-9_]{2,60})['"]?[\])]?[ \t]*(\|\||\?\?|,|:)?"#,
    );
    let is_own = folder.join(".env").exists();
    for sample in SAMPLES {
        let Ok(text) = fs::read_to_string(folder.join(sample)) else {
            continue;
        };
        for [name, value] in captured(&assigned, &text) {
            let mention = names.entry(name).or_default();
            let value = value.trim().trim_matches(['"', '\'']);
            if sample.contains("env") && !is_own && is_value(value) {
                mention.sample.get_or_insert_with(|| value.to_owned());
            }
        }
        for [name, default] in captured(&read, &text) {
            let mention = names.entry(name).or_default();
            if sample.starts_with("src/") {
                mention.read_by.get_or_insert_with(|| (*sample).to_owned());
                mention.is_needed |= default.is_empty();
            }
        }
    }
    let mut files = Vec::new();
    sources(folder, DEPTH, &mut files);
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let place = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        // `os.environ.get("X")`, `getenv` and `LookupEnv` give nothing where nothing is set, and the app goes on.
        let may_be_absent = |name: &str| {
            let gets = [".get(", "getenv(", "Getenv(", "LookupEnv(", "var_os(", "env("];
            gets.iter().any(|get| {
                ['"', '\'']
                    .iter()
                    .any(|quote| text.contains(&format!("{get}{quote}{name}{quote}")))
            })
        };
        let found = captured(&read, &text).into_iter().chain(taken_apart(&text));
        let in_shell = if is_shell(&file, &text) {
            expanded(&text)
        } else {
            Vec::new()
        };
        let found = found.chain(in_shell);
        for [name, default] in found {
            let is_needed = default.is_empty() && !may_be_absent(&name);
            let mention = names.entry(name).or_default();
            mention.read_by.get_or_insert_with(|| place.clone());
            mention.is_needed |= is_needed;
        }
    }
    names
}

/// `const { OKTA_ISSUER, SESSION_SECRET: secret, PORT = '3000' } = process.env`: names, each with its default.
fn taken_apart(text: &str) -> Vec<[String; 2]> {
    let whole = expression(r"\{([^{}]*)\}\s*=\s*(process\.env|import\.meta\.env)\b");
    let one = expression(r"([A-Z][A-Z0-9_]{2,60})\s*(?::\s*\w+\s*)?(=)?");
    captured(&whole, text)
        .iter()
        .flat_map(|[names, _]| captured(&one, names))
        .collect()
}

fn is_shell(file: &Path, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    file.extension().is_some_and(|end| end == "sh") || (first.starts_with("#!") && first.ends_with("sh"))
}

/// `$NAME` in a shell script that does not set it.
fn expanded(text: &str) -> Vec<[String; 2]> {
    let plain = expression(r"\$([A-Z][A-Z0-9_]{2,60})(:)?");
    let set = expression(r"(?m)(?:^|[;&])[ \t]*(?:export[ \t]+|local[ \t]+)?([A-Z][A-Z0-9_]{2,60})(=)");
    let own: BTreeSet<String> = captured(&set, text).into_iter().map(|[name, _]| name).collect();
    let names = captured(&plain, text).into_iter().map(|[name, _]| name);
    names
        .filter(|name| !own.contains(name))
        .map(|name| [name, String::new()])
        .collect()
}

/// Whether a value of a sample is meant to be used, and not to be replaced.
fn is_value(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_blank = [
        "<",
        "{",
        "$",
        "your",
        "xxx",
        "change",
        "replace",
        "todo",
        "example.com",
        "…",
        "...",
    ];
    !value.is_empty() && !is_blank.iter().any(|part| lower.contains(part))
}

fn expression(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Two groups of each match; what took no part is empty.
fn captured(expression: &Option<Regex>, text: &str) -> Vec<[String; 2]> {
    let found = expression.iter().flat_map(|expression| expression.captures_iter(text));
    let group = |captures: &regex::Captures<'_>, at| captures.get(at).map_or("", |own| own.as_str()).to_owned();
    found
        .map(|captures| [group(&captures, 1), group(&captures, 2)])
        .collect()
}

/// Source files of the app itself.
fn sources(folder: &Path, depth: usize, found: &mut Vec<std::path::PathBuf>) {
    const FOREIGN: &[&str] = &[
        "node_modules",
        "target",
        "vendor",
        "dist",
        "build",
        "venv",
        "__pycache__",
        "test",
        "tests",
    ];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        // Tests set what they read.
        let is_foreign = name.starts_with('.') || name.starts_with("test_") || FOREIGN.contains(&name.as_str());
        if found.len() >= FILES || is_foreign {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            sources(&path, depth - 1, found);
        }
        if !kind.is_file() || entry.metadata().is_ok_and(|meta| meta.len() > SIZE) {
            continue;
        }
        // Programs without an ending are looked at by what they begin with.
        let is_source = match path.extension() {
            Some(end) => SOURCES.iter().any(|known| end == *known),
            None => fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"#!")),
        };
        if is_source {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_samples_and_sources_and_else_from_oktas_guides() {
        let folder = std::env::temp_dir().join(format!("conformance-names-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        let of = |https| Named::in_folder(&folder).environment(https, |_| None).env;
        let plain = of(false);
        assert_eq!(plain["OKTA_ISSUER"], "{idp.issuer}");
        assert_eq!(plain["PORT"], "{port}");
        fs::write(
            folder.join(".env.example"),
            "OIDC_ISSUER_URL=https://example.okta.com\nSERVER_PORT=8080\n",
        )
        .unwrap();
        fs::write(
            folder.join("src/app.py"),
            "id = os.environ['OIDC_CLIENT_ID']\nx = getenv(\"OIDC_CLIENT_SECRET\")\n",
        )
        .unwrap();
        let env = of(true);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(env["OIDC_ISSUER_URL"], "{idp.issuer}");
        assert_eq!(env["SERVER_PORT"], "{port}");
        assert_eq!(env["OIDC_CLIENT_ID"], "{idp.client.id}");
        assert_eq!(env["OIDC_CLIENT_SECRET"], "{idp.client.secret}");
        assert_eq!(env["SSL_CERT_FILE"], "{idp.ca}");
        assert!(!env.contains_key("OKTA_ISSUER") && !env.contains_key("PORT"), "{env:?}");
    }

    #[test]
    fn secrets_are_made_samples_are_used_and_the_rest_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "server.js",
            "const { OKTA_ISSUER, SESSION_SECRET, REGION, PORT = '3000' } = process.env\n\
             const mode = process.env.MODE || 'dev'; const tier = process.env.TIER ?? 1; const theme = process.env.THEME\n\
             if (process.env.NODE_ENV === 'test') {}\n",
        );
        write(
            "app.py",
            "GUIDE = os.environ[\"GUIDE\"]\nDIR = os.environ.get(\"SESSION_DIR\", \".sessions\")\n\
             NAME = os.environ.get('APP_NAME')\nAPI_TOKEN = os.environ['API_TOKEN']\n",
        );
        write(".env.example", "REGION=eu-1\nTHEME=<your theme>\n");
        let own = |name: &str| (name == "API_TOKEN").then(|| "mine".to_owned());
        let named = Named::in_folder(folder.path());
        let told = named.environment(false, own);
        assert_eq!(told.env["SESSION_SECRET"], SECRET);
        assert_eq!(told.env["REGION"], "eu-1");
        let unknown: Vec<(&str, &str)> = told
            .unknown
            .iter()
            .map(|(name, file)| (name.as_str(), file.as_str()))
            .collect();
        assert_eq!(unknown, [("GUIDE", "app.py"), ("THEME", "server.js")]);
        for name in ["API_TOKEN", "MODE", "TIER", "NODE_ENV", "SESSION_DIR", "APP_NAME"] {
            assert!(!told.env.contains_key(name), "{name}: {told:?}");
        }
        let said = |text: &str| told.advice(text).unwrap();
        assert!(
            said("KeyError: 'GUIDE'").contains("reads GUIDE (app.py), of"),
            "{}",
            said("KeyError: 'GUIDE'")
        );
        assert!(said("APP_NAME must be set").contains("reads APP_NAME (app.py), of"));
        assert!(said("no database").contains("reads GUIDE (app.py), THEME (server.js), of"));
        assert!(!named.wants_certificates());
        // What stands in an environment of one's own is the app's affair.
        write(".env", "REGION=eu-2\n");
        let named = Named::in_folder(folder.path());
        assert!(!named.environment(false, |_| None).env.contains_key("REGION"));
    }

    #[test]
    fn start_scripts_name_what_they_need() {
        let folder = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\nset -eu\nSTORE=target/trust\njava Trust.java \"$CA_BUNDLE\" \"$STORE-$PORT\" ${MODE:-dev}\n\
                      exec java -Dtenant=\"$TENANT\" -jar app.jar\n";
        fs::write(folder.path().join("start"), script).unwrap();
        fs::write(folder.path().join("LICENSE"), "costs $MONEY").unwrap();
        let named = Named::in_folder(folder.path());
        let plain = named.environment(false, |_| None);
        assert!(
            named.wants_certificates() && !plain.env.contains_key("CA_BUNDLE"),
            "{plain:?}"
        );
        assert_eq!(plain.unknown.keys().collect::<Vec<_>>(), ["TENANT"]);
        let with_tls = named.environment(true, |_| None);
        assert_eq!(with_tls.env["CA_BUNDLE"], "{idp.ca}");
        assert_eq!(with_tls.env["PORT"], "{port}");
        assert!(!with_tls.env.contains_key("STORE") && !with_tls.env.contains_key("MODE"));
    }
}
