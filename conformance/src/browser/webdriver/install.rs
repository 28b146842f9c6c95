//! A browser and its driver through the system's own package manager: which commands, and running them.

use std::{fs, process::Stdio};

use tokio::process::Command;

use super::{
    brand::Brand,
    driver::{Driver, DriverError, Versions},
    path::on_path,
};

/// One way in which systems install software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Its program.
    pub program: &'static str,
    chrome: &'static [Arguments],
    firefox: &'static [Arguments],
    /// What makes runs of Chromium faster and need not be had: not every release of the system knows it.
    shell: Option<Arguments>,
    /// Whether it has geckodriver.
    has_geckodriver: bool,
    /// Whether it wants to be root.
    root: bool,
}

/// What to run, in order; each is arguments of the program.
type Arguments = &'static [&'static str];

/// In the order in which they are looked for. On Ubuntu, `chromium` of `apt-get` is only a door to the snap.
const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        chrome: &[
            &["update"],
            &[
                "install",
                "--yes",
                "--no-install-recommends",
                "chromium",
                "chromium-driver",
            ],
        ],
        firefox: &[
            &["update"],
            &["install", "--yes", "--no-install-recommends", "firefox-esr"],
        ],
        shell: Some(&["install", "--yes", "--no-install-recommends", "chromium-headless-shell"]),
        has_geckodriver: false,
        root: true,
    },
    Manager {
        program: "dnf",
        chrome: &[&["install", "--assumeyes", "chromium", "chromedriver"]],
        firefox: &[&["install", "--assumeyes", "firefox"]],
        shell: None,
        has_geckodriver: false,
        root: true,
    },
    Manager {
        program: "zypper",
        chrome: &[&["--non-interactive", "install", "chromium", "chromedriver"]],
        firefox: &[&["--non-interactive", "install", "MozillaFirefox"]],
        shell: None,
        has_geckodriver: false,
        root: true,
    },
    Manager {
        program: "pacman",
        chrome: &[&["--sync", "--refresh", "--noconfirm", "--needed", "chromium"]],
        firefox: &[&[
            "--sync",
            "--refresh",
            "--noconfirm",
            "--needed",
            "firefox",
            "geckodriver",
        ]],
        shell: None,
        has_geckodriver: true,
        root: true,
    },
    Manager {
        program: "apk",
        chrome: &[&["add", "chromium", "chromium-chromedriver"]],
        firefox: &[&["add", "firefox", "geckodriver"]],
        shell: None,
        has_geckodriver: true,
        root: true,
    },
    Manager {
        program: "brew",
        chrome: &[&["install", "--cask", "google-chrome", "chromedriver"]],
        firefox: &[&["install", "--cask", "firefox"], &["install", "geckodriver"]],
        shell: None,
        has_geckodriver: true,
        root: false,
    },
];

const SNAP: Manager = Manager {
    program: "snap",
    chrome: &[&["install", "chromium"]],
    firefox: &[&["install", "firefox"]],
    shell: None,
    has_geckodriver: true,
    root: true,
};

/// Where no package holds it: built in some minutes, into a folder that is looked into.
const GECKODRIVER: &[&str] = &["cargo", "install", "geckodriver", "--locked"];

/// What this machine is like, as far as installing goes.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The `ID` of `/etc/os-release`; empty where there is none.
    pub system: String,
    /// Which of the managers' programs, and `sudo`, are on the path.
    pub programs: Vec<String>,
    /// Whether we are root.
    pub root: bool,
    /// Whether `sudo` works without asking for a password.
    pub sudo: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// These commands can be run here and now.
    Run(Vec<Vec<String>>),
    /// These commands are needed and somebody with the right to must type them.
    Type(Vec<Vec<String>>),
    /// These commands are needed, and not all of them are the package manager's.
    ByHand(Vec<Vec<String>>),
    /// No package manager that is known here.
    Unknown,
}

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A person must do it.
    #[error("installing needs root, and sudo is not here or asks for a password; type:\n{}", lines(.0))]
    NeedsRoot(Vec<Vec<String>>),
    /// No package holds the driver.
    #[error(
        "no package of this system is known to hold geckodriver; type (or put a release of \
         https://github.com/mozilla/geckodriver on the PATH):\n{}",
        lines(.0)
    )]
    NoPackage(Vec<Vec<String>>),
    /// Nobody knows how.
    #[error(
        "no package manager that is known here (apt-get, dnf, zypper, pacman, apk, brew); {}",
        by_oneself(*.0)
    )]
    UnknownSystem(Brand),
    /// A command failed.
    #[error("`{command}` failed: {reason}")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        reason: String,
    },
    /// It was installed and does not work.
    #[error("{0}")]
    Driver(#[from] DriverError),
}

impl Machine {
    /// Looks round.
    pub async fn look() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let id = release.lines().find_map(|line| line.strip_prefix("ID="));
        let names = MANAGERS.iter().map(|manager| manager.program).chain(["snap", "sudo"]);
        let programs: Vec<String> = names
            .filter(|name| on_path(name).is_some())
            .map(str::to_owned)
            .collect();
        let sudo = programs.iter().any(|name| name == "sudo") && succeeds("sudo", &["-n", "true"]).await;
        Self {
            system: id.unwrap_or_default().trim_matches('"').to_owned(),
            programs,
            root: rustix::process::geteuid().is_root(),
            sudo,
        }
    }

    /// The commands that install browser and driver.
    #[must_use]
    pub fn plan(&self, brand: Brand) -> Plan {
        let Some(manager) = self.manager() else {
            return Plan::Unknown;
        };
        let steps = match brand {
            Brand::Chrome => manager.chrome,
            Brand::Firefox => manager.firefox,
        };
        let commands: Vec<Vec<String>> = steps.iter().map(|step| self.command(manager, step)).collect();
        if brand == Brand::Firefox && !manager.has_geckodriver {
            let driver = GECKODRIVER.iter().copied().map(str::to_owned).collect();
            return Plan::ByHand(commands.into_iter().chain([driver]).collect());
        }
        match self.may(manager) {
            false => Plan::Type(commands),
            true => Plan::Run(commands),
        }
    }

    /// The command that installs Chromium without its windows, where it can be run here and now: with it a run takes half
    /// the time, without it nothing is missing.
    #[must_use]
    pub fn plan_shell(&self) -> Option<Vec<String>> {
        let manager = self.manager().filter(|manager| self.may(manager))?;
        manager.shell.map(|step| self.command(manager, step))
    }

    fn manager(&self) -> Option<&'static Manager> {
        let has = |name: &str| self.programs.iter().any(|program| program == name);
        let known = MANAGERS.iter().find(|manager| has(manager.program))?;
        let is_door = self.system == "ubuntu" && has("snap");
        Some(if is_door { &SNAP } else { known })
    }

    /// Whether we may run it.
    fn may(&self, manager: &Manager) -> bool {
        !manager.root || self.root || self.sudo
    }

    fn command(&self, manager: &Manager, arguments: Arguments) -> Vec<String> {
        let sudo = (manager.root && !self.root).then_some("sudo");
        let words = sudo
            .into_iter()
            .chain([manager.program])
            .chain(arguments.iter().copied());
        words.map(str::to_owned).collect()
    }
}

/// Browser and driver of this machine, if they are here and fit together.
///
/// # Errors
/// What is missing or does not fit.
pub async fn installed(brand: Brand) -> Result<Versions, DriverError> {
    let driver = Driver::start(brand, false).await?;
    let versions = driver.versions().await;
    driver.stop().await;
    versions
}

/// Installs what is missing; `tell` gets each command before it runs, whose output goes where ours goes.
///
/// # Errors
/// What could not be done, with the commands to type where a person can do it.
pub async fn install(brand: Brand, tell: &mut dyn FnMut(&str)) -> Result<Versions, InstallError> {
    let found = installed(brand).await;
    if found.is_ok() && !brand.lacks_shell() {
        return Ok(found?);
    }
    let machine = Machine::look().await;
    if found.is_err() {
        let commands = match machine.plan(brand) {
            Plan::Run(commands) => commands,
            Plan::Type(commands) => return Err(InstallError::NeedsRoot(commands)),
            Plan::ByHand(commands) => return Err(InstallError::NoPackage(commands)),
            Plan::Unknown => return Err(InstallError::UnknownSystem(brand)),
        };
        for command in commands {
            let line = command.join(" ");
            tell(&line);
            run(&command)
                .await
                .map_err(|reason| InstallError::Failed { command: line, reason })?;
        }
    }
    if brand.lacks_shell()
        && let Some(command) = machine.plan_shell()
    {
        tell(&command.join(" "));
        if let Err(reason) = run(&command).await {
            tell(&format!(
                "{reason}: runs will take longer without it, and nothing is missing"
            ));
        }
    }
    Ok(installed(brand).await?)
}

fn by_oneself(brand: Brand) -> &'static str {
    match brand {
        Brand::Chrome => {
            "install Chromium or Chrome and a chromedriver of the same major version, and put chromedriver on the PATH"
        }
        Brand::Firefox => "install Firefox, and geckodriver by `cargo install geckodriver --locked`",
    }
}

async fn run(command: &[String]) -> Result<(), String> {
    let [program, arguments @ ..] = command else {
        return Ok(());
    };
    let status = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| error.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err(status.to_string()),
    }
}

async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

fn lines(commands: &[Vec<String>]) -> String {
    let lines: Vec<String> = commands
        .iter()
        .map(|command| format!("  {}", command.join(" ")))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(system: &str, programs: &[&str], root: bool, sudo: bool) -> Machine {
        Machine {
            system: system.to_owned(),
            programs: programs.iter().map(|name| (*name).to_owned()).collect(),
            root,
            sudo,
        }
    }

    #[test]
    fn root_runs_the_package_manager_itself() {
        let Plan::Run(commands) = machine("debian", &["apt-get"], true, false).plan(Brand::Chrome) else {
            panic!("root may install")
        };
        assert_eq!(commands[0], ["apt-get", "update"]);
        assert_eq!(commands[1].last().unwrap(), "chromium-driver");
    }

    #[test]
    fn the_browser_without_windows_is_installed_only_where_a_package_holds_it() {
        let shell = |system, program, root, sudo| machine(system, &[program], root, sudo).plan_shell();
        let package = |command: Option<Vec<String>>| command.and_then(|mut words| words.pop());
        let asked = shell("debian", "apt-get", false, true).unwrap();
        assert_eq!(asked[..2], ["sudo", "apt-get"]);
        assert_eq!(package(Some(asked)).unwrap(), "chromium-headless-shell");
        assert_eq!(shell("debian", "apt-get", false, false), None, "nobody may install");
        assert_eq!(shell("fedora", "dnf", true, false), None);
        let snap = machine("ubuntu", &["apt-get", "snap"], true, false);
        assert_eq!(snap.plan_shell(), None, "the snap has none");
    }

    #[test]
    fn others_go_through_sudo_or_are_told_what_to_type() {
        let with_sudo = machine("fedora", &["dnf", "sudo"], false, true).plan(Brand::Chrome);
        assert!(
            matches!(&with_sudo, Plan::Run(commands) if commands[0][..2] == ["sudo", "dnf"]),
            "{with_sudo:?}"
        );
        let Plan::Type(commands) = machine("fedora", &["dnf"], false, false).plan(Brand::Chrome) else {
            panic!("nobody can become root here")
        };
        let told = InstallError::NeedsRoot(commands).to_string();
        assert!(
            told.contains("\n  sudo dnf install --assumeyes chromium chromedriver"),
            "{told}"
        );
    }

    #[test]
    fn some_systems_have_ways_of_their_own() {
        let ubuntu = machine("ubuntu", &["apt-get", "snap"], true, false).plan(Brand::Chrome);
        assert_eq!(
            ubuntu,
            Plan::Run(vec![["snap", "install", "chromium"].map(str::to_owned).to_vec()])
        );
        let homebrew = machine("", &["brew"], false, false).plan(Brand::Chrome);
        assert!(matches!(homebrew, Plan::Run(_)), "brew wants no root: {homebrew:?}");
        assert_eq!(machine("plan9", &[], true, true).plan(Brand::Chrome), Plan::Unknown);
    }

    #[test]
    fn firefox_is_installed_where_a_package_holds_its_driver_and_explained_elsewhere() {
        let firefox = |system, program| machine(system, &[program], true, false).plan(Brand::Firefox);
        for (system, program, package) in [
            ("arch", "pacman", "geckodriver"),
            ("alpine", "apk", "geckodriver"),
            ("", "brew", "geckodriver"),
        ] {
            let Plan::Run(commands) = firefox(system, program) else {
                panic!("{program} has it")
            };
            assert_eq!(commands.last().unwrap().last().unwrap(), package);
        }
        let ubuntu = machine("ubuntu", &["apt-get", "snap"], true, false).plan(Brand::Firefox);
        assert_eq!(
            ubuntu,
            Plan::Run(vec![["snap", "install", "firefox"].map(str::to_owned).to_vec()])
        );
        for program in ["apt-get", "dnf", "zypper"] {
            assert!(matches!(firefox("", program), Plan::ByHand(_)), "{program}");
        }
        let Plan::ByHand(commands) = machine("debian", &["apt-get"], false, true).plan(Brand::Firefox) else {
            panic!("Debian has no geckodriver")
        };
        let told = InstallError::NoPackage(commands).to_string();
        assert!(
            told.ends_with(
                "\n  sudo apt-get update\n  sudo apt-get install --yes --no-install-recommends firefox-esr\n  \
                 cargo install geckodriver --locked"
            ),
            "{told}"
        );
    }
}
