//! Under which names an app reads its issuer, its client and its port: from its sample environments, its README and its
//! sources, else those of Okta's guides.

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
    "js", "mjs", "cjs", "ts", "py", "go", "rb", "rs", "java", "kt", "cs", "php", "ex", "conf",
];

/// How deep and how many: an app's own sources, not its dependencies.
const DEPTH: usize = 4;
const FILES: usize = 400;
const SIZE: u64 = 256 * 1024;

/// The app's environment: variable → value with placeholders. `scheme` is that of the issuer.
pub(super) fn environment(folder: &Path, https: bool) -> BTreeMap<String, String> {
    let found = mentioned(folder);
    let mut env = BTreeMap::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for name in &found {
        if let Some((what, value)) = meaning(name) {
            env.insert(name.clone(), value.to_owned());
            told.insert(what);
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
        for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
            env.insert(name.to_owned(), "{idp.ca}".to_owned());
        }
    }
    env
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
        } else if ends(&[
            "SESSION_SECRET",
            "SECRET_KEY",
            "COOKIE_SECRET",
            "AUTH_SECRET",
            "APP_SECRET",
            "SECRET_KEY_BASE",
        ]) {
            ("session secret", "conformance-0123456789-abcdefghijklmnopqrstuvwxyz")
        } else if about_sign_in && ends(&["SCOPE", "SCOPES"]) {
            ("scopes", "openid profile email")
        } else {
            return None;
        },
    )
}

/// Variables that the app's own files name.
fn mentioned(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let assigned = expression(r"(?m)^[ \t]*(?:export[ \t]+|-[ \t]+|\$[ \t]+)?([A-Z][A-Z0-9_]{2,60})[ \t]*[=:]");
    let read = expression(
        r#"(?:process\.env\.|import\.meta\.env\.|process\.env\[['"]|os\.environ(?:\.get)?[\[(]['"]|getenv\(['"]|Getenv\(['"]|LookupEnv\(['"]|ENV(?:\.fetch\()?[\[]?['"]|env::var(?:_os)?\(['"]|env\(['"]|\$\{)([A-Z][A-Z0-9_]{2,60})"#,
    );
    for sample in SAMPLES {
        let Ok(text) = fs::read_to_string(folder.join(sample)) else {
            continue;
        };
        names.extend(captured(&assigned, &text));
        names.extend(captured(&read, &text));
    }
    let mut files = Vec::new();
    sources(folder, DEPTH, &mut files);
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        names.extend(captured(&read, &text));
    }
    names
}

fn expression(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

fn captured(expression: &Option<Regex>, text: &str) -> Vec<String> {
    let found = expression.iter().flat_map(|expression| expression.captures_iter(text));
    found
        .filter_map(|captures| Some(captures.get(1)?.as_str().to_owned()))
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
    ];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if found.len() >= FILES || name.starts_with('.') || FOREIGN.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            sources(&path, depth - 1, found);
        }
        let is_source = path
            .extension()
            .is_some_and(|end| SOURCES.iter().any(|known| end == *known));
        let is_small = entry.metadata().is_ok_and(|meta| meta.len() <= SIZE);
        if kind.is_file() && is_source && is_small {
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
        let plain = environment(&folder, false);
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
        let env = environment(&folder, true);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(env["OIDC_ISSUER_URL"], "{idp.issuer}");
        assert_eq!(env["SERVER_PORT"], "{port}");
        assert_eq!(env["OIDC_CLIENT_ID"], "{idp.client.id}");
        assert_eq!(env["OIDC_CLIENT_SECRET"], "{idp.client.secret}");
        assert_eq!(env["SSL_CERT_FILE"], "{idp.ca}");
        assert!(!env.contains_key("OKTA_ISSUER") && !env.contains_key("PORT"), "{env:?}");
    }
}
